import { type ByteString, toText } from "../../src/index.ts";
import { attempt, checkOptions, choice, integer, type Kinds, shorten, show } from "../../src/internals.ts";
import { ExpectationError } from "./errors.ts";
import type { Place } from "./list-view.ts";
import type { Sighting } from "./sightings.ts";

const fates = ["acked", "dead", "waiting", "delayed", "parked", "working", "purged"] as const;

/**
 * What became of a message. `acked`: it is done, and gone from Redis. `dead`: it is a dead letter. `waiting`: it is in the list.
 * `delayed`: it waits for its next attempt, or until it is due. `parked`: it waits for another message of its key. `working`: a drain
 * that has died, or that left its handler running, still has its lease. `purged`: it was a dead letter and was deleted.
 */
export type Fate = (typeof fates)[number];

/** What became of one message, and its attempts. */
export interface TestOutcome {
  /** As text. */
  readonly payload: string;
  readonly became: Fate;
  /** The number of its last attempt, with crashes; 0 where its handler has not begun yet. */
  readonly attempts: number;
  /** How often its handler has begun. */
  readonly runs: number;
  /** Of a dead letter: why it is one. */
  readonly reason: string | null;
  /** What its last failure threw; null for a message that never failed. */
  readonly error: Error | { readonly name: string; readonly message: string } | null;
  /** Of a delayed message: when it is due, epoch ms. */
  readonly dueAt: number | null;
}

/** What a test expects of a message. Only the fields given are compared; a text must be contained. */
export interface ExpectedOutcome {
  became?: Fate;
  attempts?: number;
  runs?: number;
  reason?: string | RegExp;
  /** Compared with the error's name and message: `Error: no such mailbox`. */
  error?: string | RegExp;
}

const pattern = {
  wanted: "a text or a RegExp",
  allows: (value: unknown) => typeof value === "string" || attempt(() => value instanceof RegExp) === true,
};

const kinds = {
  became: choice(fates),
  attempts: integer({ min: 0 }),
  runs: integer({ min: 0 }),
  reason: pattern,
  error: pattern,
} satisfies Kinds<ExpectedOutcome>;

/** The outcome of a copy. `place`: where it is; undefined where it has left Redis. */
export function outcomeOf(
  payload: ByteString,
  place: Place | undefined,
  seen: Sighting | undefined,
): TestOutcome {
  const letter = place?.became === "dead" ? place.letter : undefined;
  return {
    payload: toText(payload),
    became: place?.became ?? (seen?.isDead ? "purged" : "acked"),
    attempts: letter?.attempts ?? seen?.attempt ?? 0,
    runs: seen?.runCount ?? 0,
    reason: letter?.reason ?? null,
    error: letter?.error ?? seen?.error ?? null,
    dueAt: place?.became === "delayed" ? place.dueAt : null,
  };
}

/** Throws `ExpectationError` where an outcome is not as expected, and `OptionError` for a bad expectation. */
export function expectOutcome(actual: TestOutcome, given: Fate | ExpectedOutcome): void {
  const wanted = typeof given === "string" ? { became: given } : given;
  const { became, attempts, runs, reason, error } = checkOptions(kinds, wanted, "expected");
  const checks: [name: keyof ExpectedOutcome, wanted: unknown, isSo: boolean][] = [
    ["became", became, actual.became === became],
    ["attempts", attempts, actual.attempts === attempts],
    ["runs", runs, actual.runs === runs],
    ["reason", reason, fits(reason as string | RegExp | undefined, actual.reason)],
    ["error", error, fits(error as string | RegExp | undefined, errorText(actual))],
  ];
  const wrong = checks.filter(([, value, isSo]) => value !== undefined && !isSo);
  if (wrong.length === 0) return;
  const list = wrong.map(([name, value]) => `${name}: ${value instanceof RegExp ? value : show(value)}`);
  throw new ExpectationError(
    `${describeOutcome(actual)}. Expected: ${list.join(", ")}.`,
    Object.fromEntries(wrong.map(([name]) => [name, name === "error" ? errorText(actual) : actual[name]])),
    Object.fromEntries(wrong.map(([name, value]) => [name, value])),
  );
}

/** Describes an outcome in one sentence, without the full stop. */
export function describeOutcome(outcome: TestOutcome): string {
  const { payload, became, attempts, runs, reason, dueAt } = outcome;
  const why = reason === null ? "" : ` (${reason})`;
  const when = dueAt === null ? "" : ` until ${new Date(dueAt).toISOString()}`;
  const error = errorText(outcome);
  const failed = error === null ? "" : `; its newest failure was ${error}`;
  return `The message ${shorten(payload, 80)} is ${became}${why}${when}, attempts: ${attempts}, runs: ${runs}${failed}`;
}

function errorText({ error }: TestOutcome): string | null {
  return error && `${error.name}: ${error.message}`;
}

function fits(wanted: string | RegExp | undefined, text: string | null): boolean {
  if (wanted === undefined || text === null) return false;
  return typeof wanted === "string" ? text.includes(wanted) : text.search(wanted) >= 0;
}
