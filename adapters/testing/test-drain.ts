import type {
  Drain,
  DrainReport,
  EveryDrainOption,
  Pushable,
  RedisClient,
  RunOptions,
} from "../../src/index.ts";
import type { HandlerOptions } from "../../src/internals.ts";
import type { ExpectedOutcome, Fate, TestOutcome } from "./test-outcome.ts";
import type { TestClock } from "./test-time.ts";

/**
 * Options of `createTestDrain`: those of `createDrain`, with the same defaults. `redis` and `clock` are the kit's own; `random`
 * is always 0.5, where none is given, so that the times of retries are known.
 */
export type TestDrainOptions<Value = unknown> = Omit<EveryDrainOption<Value>, "redis" | "clock" | "list"> &
  HandlerOptions<Value> &
  TestOptions;

/** What only a test says. */
export interface TestOptions {
  /**
   * The name of the list.
   * @default "test"
   */
  readonly list?: string;
  /**
   * How long handlers may take while nothing else happens, ms of real time, from 1 to 3,600,000; then what waits for them
   * rejects with `StalledError`. Longer for handlers that do much, shorter than the runner's own limit for a test.
   * @default 3000
   */
  readonly stallMs?: number;
}

/** What `drainUntilEmpty` came to. */
export interface TestReport {
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
  readonly reports: readonly DrainReport[];
}

/** A drain under test, with a Redis and a time of its own. */
export interface TestDrain {
  /**
   * The drain itself, but for `run`: for `push` with options, `deadLetters`, `pause`, `limits`, `stats`. None of its requests
   * is lost, and it does not die.
   */
  readonly drain: Omit<Drain, "run">;
  /** The Redis, for producers and for looking at what effects wrote: `redis.command(["GET", "{test}:sent"])`. */
  readonly redis: RedisClient;
  readonly clock: TestClock;
  /** Pushes messages, the first given first, as `drain.push` does. */
  push(...messages: Pushable[]): Promise<void>;
  /**
   * Runs the drain once, as a tick of a schedule does, in a process of its own. Resolves with its report, or with `crashed` where
   * that process died. Rejects with `StalledError` where a handler does not end, and `OptionError` for bad options.
   */
  run(options?: RunOptions): Promise<DrainReport | "crashed">;
  /**
   * Runs the drain again and again until nothing but dead letters is left. Between two runs the time moves to the next moment
   * that a drain waits for: a retry comes due, a lease ends, a brake lets go. Rejects with `StalledError` where a handler does
   * not end, where 1,000 runs in a row have neither acknowledged a message nor made a dead letter, or where the list is paused.
   */
  drainUntilEmpty(options?: RunOptions): Promise<TestReport>;
  /**
   * Has the process of a run die when so many more handlers have ended, before Redis hears of the last; 0: when the next
   * begins. What it held comes back when its lease ends. A call of a batch handler counts as one.
   */
  crashAfter(handlers: number): void;
  /** Called by a handler: its process dies here. It throws, so that nothing after it runs. */
  crash(): never;
  /** Loses the next requests that change something: they never reach Redis. Default: 1. */
  loseRequests(count?: number): void;
  /** Loses the replies of the next requests that change something: they have run. Default: 1. */
  loseReplies(count?: number): void;
  /**
   * What has become of a message, named by what was pushed: a text, bytes, or an object that the codec encodes alike. Throws
   * `ExpectationError` where no such message was seen, or where equal ones have fared differently.
   */
  outcomeOf(message: Pushable): TestOutcome;
  /** What has become of every message that was pushed by `push`, handled, or found in Redis. */
  outcomes(): TestOutcome[];
  /**
   * Throws `ExpectationError`, which any runner shows, where a message has not become what is given.
   *
   * @example
   * kit.expect({ to: "ada" }, "acked");
   * kit.expect({ to: "bob" }, { became: "dead", attempts: 3, error: "no such mailbox" });
   */
  expect(message: Pushable, expected: Fate | ExpectedOutcome): void;
  /** Ends what still runs. Then every call that asks Redis throws `ClosedError`. `await using` calls it. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
