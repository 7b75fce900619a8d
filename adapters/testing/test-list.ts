import { type ByteString, type Codec, type Pushable, toText } from "../../src/index.ts";
import { payloadOf, shorten, show } from "../../src/internals.ts";
import type { Store } from "../local/store/store.ts";
import { ExpectationError } from "./errors.ts";
import { ListView, type Place, type PlainPlace } from "./list-view.ts";
import { type Sighting, Sightings } from "./sightings.ts";
import {
  type ExpectedOutcome,
  expectOutcome,
  type Fate,
  outcomeOf,
  type TestOutcome,
} from "./test-outcome.ts";

/** The options of a list's drain that concern its messages. */
export interface ListSettings extends PlainPlace {
  readonly codec: Codec<unknown>;
}

/** How many messages an error names. */
const shownCount = 5;
/** Characters that it shows of each. */
const shownCharsMax = 80;

/** One list of a test: what was seen of its messages, and what Redis holds of them. */
export class TestList {
  readonly sightings = new Sightings();
  readonly view: ListView;
  readonly #codec: Codec<unknown>;

  constructor(store: Store, name: string, settings: ListSettings) {
    this.view = new ListView(store, name, settings);
    this.#codec = settings.codec;
  }

  notePushed(messages: readonly Pushable[]): void {
    for (const message of messages) this.sightings.of(payloadOf(message, this.#codec)).pushedCount += 1;
  }

  expect(message: Pushable, expected: Fate | ExpectedOutcome): void {
    expectOutcome(this.outcomeOf(message), expected);
  }

  outcomeOf(message: Pushable): TestOutcome {
    const payload = payloadOf(message, this.#codec);
    const outcomes = this.#outcomesOf(payload, this.view.places().get(payload) ?? []);
    const [first, ...others] = outcomes;
    if (first && others.every(({ became }) => became === first.became)) return first;
    throw first ? sharedName(first, outcomes) : this.#unseen(toText(payload));
  }

  outcomes(): TestOutcome[] {
    const places = this.view.places();
    const payloads = new Set([...this.sightings.payloads, ...places.keys()]);
    return [...payloads].flatMap((payload) => this.#outcomesOf(payload, places.get(payload) ?? []));
  }

  /** An outcome for each copy. Copies that have left Redis are those that were pushed and are not found or, where the test did not push them, one that has run. */
  #outcomesOf(payload: ByteString, places: readonly Place[]): TestOutcome[] {
    const seen: Sighting | undefined = this.sightings.has(payload) ? this.sightings.of(payload) : undefined;
    const known = Math.max(seen?.pushedCount ?? 0, seen && seen.runCount > 0 ? 1 : 0);
    const gone = Array.from({ length: Math.max(0, known - places.length) }, () => undefined);
    return [...places, ...gone].map((place) => outcomeOf(payload, place, seen));
  }

  #unseen(payload: string): ExpectationError {
    const seen = this.outcomes().map((outcome) => shorten(outcome.payload, shownCharsMax));
    const more = seen.length > shownCount ? `, and ${seen.length - shownCount} more` : "";
    const said = seen.length === 0 ? "no message at all" : seen.slice(0, shownCount).join(", ") + more;
    return new ExpectationError(
      `The message ${shorten(payload, shownCharsMax)} was neither pushed nor handled, and is not in the list ${show(this.view.name)}. Seen: ${said}.`,
      seen,
      payload,
    );
  }
}

function sharedName({ payload }: TestOutcome, outcomes: readonly TestOutcome[]): ExpectationError {
  const fates = outcomes.map(({ became }) => became);
  return new ExpectationError(
    `The message ${shorten(payload, shownCharsMax)} was pushed more than once, and its copies are ${fates.join(", ")}. To tell them apart, push messages that differ, for example by an id.`,
    fates,
    "one outcome",
  );
}
