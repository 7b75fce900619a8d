import type { DrainReport, RedisClient, RunOptions } from "../../src/index.ts";
import type { TestClock } from "./test-time.ts";

/** Options that only a test has. */
export interface TestOptions {
  /**
   * How long handlers may take while nothing else happens, ms of real time, from 1 to 3,600,000. Then the call that waits for them
   * rejects with `StalledError`. Make it longer for handlers that do much, and shorter than the test runner's own limit.
   * @default 3000
   */
  readonly stallMs?: number | undefined;
}

/** The result of `drainUntilEmpty`. */
export interface TestReport<Report extends DrainReport = DrainReport> {
  /** How many messages are done, of all that the test has pushed or its handlers have seen. */
  readonly acked: number;
  /** Messages that are dead letters. */
  readonly dead: number;
  /** How many runs it took, with those that crashed. */
  readonly runs: number;
  readonly crashes: number;
  /** Requests and replies that were lost. */
  readonly lost: number;
  /** How much of the test's own time passed, ms. */
  readonly elapsedMs: number;
  /** The reports of the runs that did not crash. */
  readonly reports: readonly Report[];
}

/** What a test can do with a drain or with several: run it, move its time, and make it fail. */
export interface TestControls<Report extends DrainReport = DrainReport> {
  /** The Redis, to push as other producers do and to read what effects wrote: `redis.command(["GET", "{test}:sent"])`. */
  readonly redis: RedisClient;
  readonly clock: TestClock;
  /**
   * Runs once, as a tick of a schedule does, in a process of its own. Resolves with its report, or with `crashed` where that
   * process died. Rejects with `StalledError` where a handler does not end, and with `OptionError` for bad options.
   */
  run(options?: RunOptions): Promise<Report | "crashed">;
  /**
   * Runs again and again until only dead letters are left. Between two runs, the time moves to the next moment that a drain waits
   * for: a retry is due, a lease ends, a brake ends. Rejects with `StalledError` where a handler does not end, where 1,000 runs in a
   * row have neither acknowledged a message nor made a dead letter, or where a run stops as paused.
   */
  drainUntilEmpty(options?: RunOptions): Promise<TestReport<Report>>;
  /**
   * Makes the process of a run die when so many more handlers have ended, before Redis hears of the last one; with 0, when the next
   * one begins. Its messages come back when its lease ends. A call of a batch handler counts as one.
   */
  crashAfter(handlers: number): void;
  /** A handler calls this to make its process die. It throws, so that nothing after it runs. */
  crash(): never;
  /** Loses the next requests of runs that change something: they never reach Redis. Default: 1. */
  loseRequests(count?: number): void;
  /** Loses the replies to the next requests of runs that change something: these have run. Default: 1. */
  loseReplies(count?: number): void;
  /** Ends all that still runs. After it, every call that asks Redis throws `ClosedError`. `await using` calls it. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
