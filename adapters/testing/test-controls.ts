import type { DrainReport, RedisClient, RunOptions } from "../../src/index.ts";
import type { TestClock } from "./test-time.ts";

/** What only a test says. */
export interface TestOptions {
  /**
   * How long handlers may take while nothing else happens, ms of real time, from 1 to 3,600,000; then what waits for them
   * rejects with `StalledError`. Longer for handlers that do much, shorter than the runner's own limit for a test.
   * @default 3000
   */
  readonly stallMs?: number | undefined;
}

/** What `drainUntilEmpty` came to. */
export interface TestReport<Report extends DrainReport = DrainReport> {
  /** Messages that are done, of all that the test has pushed or its handlers have seen. */
  readonly acked: number;
  /** Messages that are dead letters. */
  readonly dead: number;
  /** Runs that it took, crashed ones included. */
  readonly runs: number;
  readonly crashes: number;
  /** Requests and replies that were lost. */
  readonly lost: number;
  /** How much of the test's own time passed, ms. */
  readonly elapsedMs: number;
  /** What each run that did not crash reported. */
  readonly reports: readonly Report[];
}

/** What a test does with a drain, or with several: runs it, moves its time, and has it fail. */
export interface TestControls<Report extends DrainReport = DrainReport> {
  /** The Redis, for producers and for looking at what effects wrote: `redis.command(["GET", "{test}:sent"])`. */
  readonly redis: RedisClient;
  readonly clock: TestClock;
  /**
   * Runs once, as a tick of a schedule does, in a process of its own. Resolves with its report, or with `crashed` where that
   * process died. Rejects with `StalledError` where a handler does not end, and `OptionError` for bad options.
   */
  run(options?: RunOptions): Promise<Report | "crashed">;
  /**
   * Runs again and again until nothing but dead letters is left. Between two runs the time moves to the next moment that a
   * drain waits for: a retry comes due, a lease ends, a brake lets go. Rejects with `StalledError` where a handler does not
   * end, where 1,000 runs in a row have neither acknowledged a message nor made a dead letter, or where a run stops as paused.
   */
  drainUntilEmpty(options?: RunOptions): Promise<TestReport<Report>>;
  /**
   * Has the process of a run die when so many more handlers have ended, before Redis hears of the last; 0: when the next
   * begins. What it held comes back when its lease ends. A call of a batch handler counts as one.
   */
  crashAfter(handlers: number): void;
  /** Called by a handler: its process dies here. It throws, so that nothing after it runs. */
  crash(): never;
  /** Loses the next requests of runs that change something: they never reach Redis. Default: 1. */
  loseRequests(count?: number): void;
  /** Loses the replies of the next requests of runs that change something: they have run. Default: 1. */
  loseReplies(count?: number): void;
  /** Ends what still runs. Then every call that asks Redis throws `ClosedError`. `await using` calls it. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
