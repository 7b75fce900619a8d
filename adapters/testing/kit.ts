import {
  type Clock,
  ClosedError,
  type DrainReport,
  jsonCodec,
  OptionError,
  type Pushable,
  type RedisClient,
  type RunOptions,
  toText,
} from "../../src/index.ts";
import { attempt, checkOptions, integer, type Kinds, listKeys, required } from "../../src/internals.ts";
import { backendOf } from "../local/memory.ts";
import { Store } from "../local/store/store.ts";
import { StalledError } from "./errors.ts";
import { Faults } from "./faults.ts";
import type { TestControls, TestOptions, TestReport } from "./test-controls.ts";
import { TestList } from "./test-list.ts";
import { describeOutcome, type TestOutcome } from "./test-outcome.ts";
import { TestProcess } from "./test-process.ts";
import { TestTime } from "./test-time.ts";

const ownKinds = {
  stallMs: integer({ min: 1, max: 3_600_000, default: 3_000 }),
} satisfies Kinds<TestOptions>;

/** How many runs in a row may make no progress. Reason: a message may have a thousand attempts, and a test must end. */
const fruitlessRunsMax = 1_000;

/** Makes the drain of each run, in a process of its own. */
interface Runs<Report> {
  run(options?: RunOptions): Promise<Report>;
}

/** The options of a drain. */
type DrainSettings = Readonly<Record<string, unknown>>;

/** What a kit gives to what it runs. */
export interface KitParts {
  readonly redis: RedisClient;
  readonly clock: Clock;
  /** A drain's own options, with its functions observed while they work. */
  watched(settings: DrainSettings): DrainSettings;
}

/** One Redis, one time and the faults of a test, for a drain or several. */
export class Kit<Report extends DrainReport> {
  readonly time: TestTime;
  readonly redis: ReturnType<typeof backendOf>;
  readonly #store: Store;
  readonly #faults = new Faults();
  readonly #lists = new Map<string, TestList>();
  readonly #running = new Set<TestProcess>();
  #isClosed = false;
  readonly #make: (parts: KitParts) => Runs<Report>;
  readonly #settingsOf: (list: string) => DrainSettings;
  readonly #patterns: readonly string[];

  /** `make`: makes what a run drains. `settingsOf`: the options of the drain of one list. `patterns`: of lists that come and go. */
  constructor(
    options: TestOptions,
    make: (parts: KitParts) => Runs<Report>,
    settingsOf: (list: string) => DrainSettings,
    patterns: readonly string[] = [],
  ) {
    const { stallMs } = checkOptions(ownKinds, options);
    this.time = new TestTime(Date.now(), stallMs);
    this.#store = new Store({ now: () => this.time.now() });
    this.redis = backendOf(this.#store);
    this.#make = make;
    this.#settingsOf = settingsOf;
    this.#patterns = patterns;
  }

  list(name: string): TestList {
    const known = this.#lists.get(name);
    if (known) return known;
    const { codec = jsonCodec, workingList, visibilityTimeoutMs = 300_000 } = this.#settingsOf(name);
    const fresh = new TestList(this.#store, name, { codec, workingList, visibilityTimeoutMs } as never);
    this.#lists.set(name, fresh);
    return fresh;
  }

  controls(): Omit<TestControls<Report>, "close" | typeof Symbol.asyncDispose> {
    const count = (name: string, value: unknown, min: number): number =>
      checkOptions({ [name]: required(integer({ min })) }, { [name]: value })[name] as number;
    return {
      redis: this.redis,
      clock: this.time,
      run: (options) => this.#run(options),
      drainUntilEmpty: (options) => this.#drainUntilEmpty(options),
      crashAfter: (handlers) => this.#faults.crashAfter(count("handlers", handlers, 0)),
      crash: () => {
        this.end();
        throw new Error("The process of this run has died here, as the test asked by crash().");
      },
      loseRequests: (number = 1) => this.#faults.loseRequests(count("count", number, 1)),
      loseReplies: (number = 1) => this.#faults.loseReplies(count("count", number, 1)),
    };
  }

  /** Ends all processes that run. */
  end(): void {
    for (const process of this.#running) process.crash();
  }

  /** The same, and none runs after it. */
  close(): void {
    this.#isClosed = true;
    this.end();
  }

  #expectOpen(): void {
    if (this.#isClosed) throw new ClosedError("test kit");
  }

  async #run(options: RunOptions | undefined): Promise<Report | "crashed"> {
    this.#expectOpen();
    const process = new TestProcess({
      redis: this.redis,
      time: this.time,
      faults: this.#faults,
      sightings: (list) => this.list(list).sightings,
    });
    const { client: redis, clock } = process;
    const made = this.#make({ redis, clock, watched: (settings) => process.watched(settings) });
    this.#running.add(process);
    try {
      return await this.time.pass(Promise.race([made.run(options), process.death]));
    } finally {
      process.end();
      this.#running.delete(process);
    }
  }

  async #drainUntilEmpty(options: RunOptions | undefined): Promise<TestReport<Report>> {
    this.#expectOpen();
    const startedAt = this.time.now();
    const lostBefore = this.#faults.lostCount;
    const reports: Report[] = [];
    let crashes = 0;
    let fruitless = 0;
    while (!this.#isEmpty()) {
      const report = await this.#run(options);
      if (report === "crashed") crashes += 1;
      else reports.push(report);
      const isFruitful = report !== "crashed" && report.acked + report.deadLettered > 0;
      fruitless = isFruitful ? 0 : fruitless + 1;
      if (this.#isEmpty()) break;
      const stopped = report === "crashed" ? "crashed" : report.stopped;
      if (stopped === "paused" || fruitless >= fruitlessRunsMax) throw this.#stalled(report, fruitless);
      const next = this.#nextMoment();
      const hasMore = stopped === "budget" || stopped === "limit";
      if (next !== null && !hasMore) await this.time.advance(next - this.time.now());
    }
    const count = (fate: TestOutcome["became"]): number =>
      this.#outcomes().filter(({ became }) => became === fate).length;
    return {
      acked: count("acked"),
      dead: count("dead"),
      runs: reports.length + crashes,
      crashes,
      lost: this.#faults.lostCount - lostBefore,
      elapsedMs: this.time.now() - startedAt,
      reports,
    };
  }

  /** Whether all lists are, also those of patterns that were pushed to by other means than the kit's. */
  #isEmpty(): boolean {
    for (const pattern of this.#patterns) {
      const names = attempt(() => this.#store.call(["HKEYS", `${listKeys(pattern).base}lists`]));
      for (const name of (names ?? []) as string[]) attempt(() => this.list(toText(name)));
    }
    return [...this.#lists.values()].every(({ view }) => view.isEmpty());
  }

  #nextMoment(): number | null {
    const now = this.time.now();
    const moments = [...this.#lists.values()]
      .map(({ view }) => view.nextMoment(now))
      .filter((at) => at !== null);
    return moments.length === 0 ? null : Math.min(...moments);
  }

  #outcomes(): TestOutcome[] {
    return [...this.#lists.values()].flatMap((list) => list.outcomes());
  }

  #stalled(last: Report | "crashed", runs: number): StalledError {
    const left = this.#outcomes().filter(({ became }) => !["acked", "dead", "purged"].includes(became));
    const [first] = left;
    const error = last === "crashed" ? null : last.error;
    const stopped = last === "crashed" ? last : `stopped as ${last.stopped}`;
    const ending = error ? `stopped by ${error.name}: ${error.message}` : stopped;
    const said = `Messages are left after ${runs} runs in a row without progress. The last ${ending}.`;
    const example = first ? ` ${describeOutcome(first)}.` : "";
    return new StalledError(
      `${said} Messages left: ${left.length}.${example}`,
      error ? { cause: error } : {},
    );
  }
}

/** Separates the kit's own options from those of the drain. Throws `OptionError` for options that the kit sets itself. */
export function splitOptions<Options extends TestOptions>(
  options: Options,
  taken: readonly string[],
): { readonly own: TestOptions; readonly given: DrainSettings } {
  // What is no object at all, createDrain refuses.
  const { stallMs, ...given } = attempt(() => ({ ...options })) ?? ({} as Options);
  for (const name of taken)
    if (Object.hasOwn(given, name)) throw new OptionError(name, "left out: the kit has its own", "one");
  let made = 0;
  const known = { random: () => 0.5, randomId: () => `test-${made++}` };
  return { own: stallMs === undefined ? {} : { stallMs }, given: { ...known, ...given } };
}

/** Pushes messages and notes them. */
export async function pushTo(
  list: TestList,
  messages: readonly Pushable[],
  push: () => Promise<unknown>,
): Promise<void> {
  await push();
  list.notePushed(messages);
}
