import {
  type ByteString,
  type Codec,
  createDrain,
  type DrainReport,
  jsonCodec,
  OptionError,
  type Pushable,
  type RunOptions,
  toText,
} from "../../src/index.ts";
import {
  attempt,
  checkOptions,
  integer,
  type Kinds,
  payloadOf,
  shorten,
  show,
  text,
} from "../../src/internals.ts";
import { backendOf } from "../local/memory.ts";
import { Store } from "../local/store/store.ts";
import { ExpectationError, StalledError } from "./errors.ts";
import { Faults } from "./faults.ts";
import { ListView } from "./list-view.ts";
import { Sightings } from "./sightings.ts";
import type { TestDrain, TestDrainOptions, TestOptions, TestReport } from "./test-drain.ts";
import { describeOutcome, expectOutcome, outcomeOf, type TestOutcome } from "./test-outcome.ts";
import { TestProcess } from "./test-process.ts";
import { TestTime } from "./test-time.ts";

const ownKinds = {
  list: text({ default: "test" }),
  stallMs: integer({ min: 1, max: 3_600_000, default: 3_000 }),
} satisfies Kinds<TestOptions>;

/** Runs in a row that may come to nothing. Reason: a message may have a thousand attempts, and a test must end. */
const fruitlessRunsMax = 1_000;
/** Messages that an error names. */
const shownCount = 5;

/**
 * Makes a drain for a test: a handler of yours, run by the real drain over a Redis in memory that runs the real scripts, with
 * a time that passes at once, and crashes and lost replies when the test wants them. Needs no test runner: it works with all.
 * Throws `OptionError` for bad options.
 *
 * @example
 * const kit = createTestDrain({ handler: sendEmail, maxAttempts: 3 });
 * await kit.push({ to: "ada" });
 * kit.crashAfter(1);
 * await kit.drainUntilEmpty();
 * kit.expect({ to: "ada" }, { became: "acked", attempts: 2 });
 */
export function createTestDrain<Decoded = unknown, Value = Decoded>(
  options: TestDrainOptions<Value> & { codec?: Codec<Decoded> | Codec<unknown> | undefined },
): TestDrain {
  // What is no object at all is refused as createDrain refuses it.
  const { list, stallMs, ...given } = attempt(() => ({ ...options })) ?? ({} as typeof options);
  const own = checkOptions(ownKinds, { list, stallMs });
  for (const name of ["redis", "clock", "shards"])
    if (Object.hasOwn(given, name)) throw new OptionError(name, "left out: the kit has its own", "one");
  return new Kit(given, own).toTestDrain();
}

class Kit {
  readonly #time: TestTime;
  readonly #view: ListView;
  readonly #sightings = new Sightings();
  readonly #faults = new Faults();
  readonly #redis: ReturnType<typeof backendOf>;
  readonly #drain: ReturnType<typeof createDrain>;
  readonly #settings: Record<string, unknown> & { codec: Codec<unknown> };
  readonly #running = new Set<TestProcess>();

  constructor(given: object, { list, stallMs }: Required<TestOptions>) {
    const time = new TestTime(Date.now(), stallMs);
    const store = new Store({ now: () => time.now() });
    let made = 0;
    const { workingList, visibilityTimeoutMs = 300_000 } = given as Record<string, never>;
    this.#time = time;
    this.#redis = backendOf(store);
    this.#settings = {
      codec: jsonCodec,
      random: () => 0.5,
      randomId: () => `test-${made++}`,
      ...given,
      list,
    };
    // Made first, so that its checks see the options as they were given.
    this.#drain = createDrain({ ...this.#settings, redis: this.#redis, clock: time } as never);
    this.#view = new ListView(store, list, { workingList, visibilityTimeoutMs });
  }

  toTestDrain(): TestDrain {
    const { run, ...drain } = this.#drain;
    const close = async (): Promise<void> => {
      for (const process of this.#running) process.crash();
      await drain.close();
    };
    const count = (name: string, value: unknown, min: number): number =>
      checkOptions({ [name]: integer({ min }) }, { [name]: value })[name] as number;
    return {
      drain,
      redis: this.#redis,
      clock: this.#time,
      push: (...messages) => this.#push(messages),
      run: (options) => this.#run(options),
      drainUntilEmpty: (options) => this.#drainUntilEmpty(options),
      crashAfter: (handlers) => this.#faults.crashAfter(count("handlers", handlers, 0)),
      crash: () => this.#crash(),
      loseRequests: (number = 1) => this.#faults.loseRequests(count("count", number, 1)),
      loseReplies: (number = 1) => this.#faults.loseReplies(count("count", number, 1)),
      outcomeOf: (message) => this.#outcomeOf(message),
      outcomes: () => this.#outcomes(),
      expect: (message, expected) => expectOutcome(this.#outcomeOf(message), expected),
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  async #push(messages: readonly Pushable[]): Promise<void> {
    await this.#drain.push(messages);
    for (const message of messages)
      this.#sightings.of(payloadOf(message, this.#settings.codec)).pushedCount += 1;
  }

  async #run(options: RunOptions | undefined): Promise<DrainReport | "crashed"> {
    const process = new TestProcess({
      redis: this.#redis,
      time: this.#time,
      faults: this.#faults,
      sightings: this.#sightings,
    });
    const watched = process.watched(this.#settings);
    const drain = createDrain({ ...watched, redis: process.client, clock: process.clock } as never);
    this.#running.add(process);
    try {
      return await this.#time.pass(Promise.race([drain.run(options), process.death]));
    } finally {
      process.end();
      this.#running.delete(process);
    }
  }

  async #drainUntilEmpty(options: RunOptions | undefined): Promise<TestReport> {
    const startedAt = this.#time.now();
    const lostBefore = this.#faults.lostCount;
    const reports: DrainReport[] = [];
    let crashes = 0;
    let fruitless = 0;
    while (!this.#view.isEmpty()) {
      const report = await this.#run(options);
      if (report === "crashed") crashes += 1;
      else reports.push(report);
      const isFruitful = report !== "crashed" && report.acked + report.deadLettered > 0;
      fruitless = isFruitful ? 0 : fruitless + 1;
      if (this.#view.isEmpty()) break;
      const next = this.#view.nextMoment(this.#time.now());
      const isStuck = report !== "crashed" && report.stopped === "paused";
      if (isStuck || fruitless >= fruitlessRunsMax) throw this.#fruitless(report, fruitless);
      const hasMore = report !== "crashed" && (report.stopped === "budget" || report.stopped === "limit");
      if (next !== null && !hasMore) await this.#time.advance(next - this.#time.now());
    }
    const outcomes = this.#outcomes();
    const count = (fate: TestOutcome["became"]): number =>
      outcomes.filter(({ became }) => became === fate).length;
    return {
      acked: count("acked"),
      dead: count("dead"),
      runs: reports.length + crashes,
      crashes,
      lost: this.#faults.lostCount - lostBefore,
      elapsedMs: this.#time.now() - startedAt,
      reports,
    };
  }

  #crash(): never {
    for (const process of this.#running) process.crash();
    throw new Error("The process of this run has died here, as the test wants it.");
  }

  #outcomeOf(message: Pushable): TestOutcome {
    const payload = payloadOf(message, this.#settings.codec);
    const outcomes = this.#outcomesOf(payload, this.#view.places().get(payload) ?? []);
    const [first, ...others] = outcomes;
    if (first && others.every(({ became }) => became === first.became)) return first;
    const name = `The message ${shorten(toText(payload), 80)}`;
    if (first) {
      const fates = outcomes.map(({ became }) => became).join(", ");
      const hint = "Push messages that differ, by an id in them, to tell one from the other.";
      throw new ExpectationError(
        `${name} was pushed more than once, and they are ${fates}. ${hint}`,
        fates,
        1,
      );
    }
    const seen = this.#outcomes().map((outcome) => shorten(outcome.payload, 80));
    const more = seen.length > shownCount ? `, and ${seen.length - shownCount} more` : "";
    const others_ = seen.length === 0 ? "no message at all" : seen.slice(0, shownCount).join(", ") + more;
    throw new ExpectationError(
      `${name} was not pushed, not handled, and is not in the list ${show(this.#view.name)}. Seen: ${others_}.`,
      seen,
      toText(payload),
    );
  }

  #outcomes(): TestOutcome[] {
    const places = this.#view.places();
    const payloads = new Set([...this.#sightings.payloads, ...places.keys()]);
    return [...payloads].flatMap((payload) => this.#outcomesOf(payload, places.get(payload) ?? []));
  }

  /** One for each copy. Those that have left Redis are what was pushed and is not found, or, of others, one that has run. */
  #outcomesOf(payload: ByteString, places: Parameters<typeof outcomeOf>[1][]): TestOutcome[] {
    const seen = this.#sightings.has(payload) ? this.#sightings.of(payload) : undefined;
    const known = Math.max(seen?.pushedCount ?? 0, seen && seen.runCount > 0 ? 1 : 0);
    const gone = Array.from({ length: Math.max(0, known - places.length) }, () => undefined);
    return [...places, ...gone].map((place) => outcomeOf(payload, place, seen));
  }

  #fruitless(last: DrainReport | "crashed", runs: number): StalledError {
    const left = this.#outcomes().filter(({ became }) => !["acked", "dead", "purged"].includes(became));
    const [first] = left;
    const ending =
      last === "crashed"
        ? "crashed"
        : last.error
          ? `stopped by ${last.error.name}: ${last.error.message}`
          : `stopped as ${last.stopped}`;
    const cause = last === "crashed" ? undefined : (last.error ?? undefined);
    const said = `The list is not empty after ${runs} runs that came to nothing. The last ${ending}.`;
    return new StalledError(
      `${said} Messages left: ${left.length}.${first ? ` ${describeOutcome(first)}.` : ""}`,
      {
        cause,
      },
    );
  }
}
