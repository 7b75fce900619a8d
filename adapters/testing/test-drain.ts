import {
  type Codec,
  createDrain,
  type Drain,
  type EveryDrainOption,
  type Pushable,
} from "../../src/index.ts";
import type { HandlerOptions } from "../../src/internals.ts";
import { Kit, pushTo, splitOptions } from "./kit.ts";
import type { TestControls, TestOptions } from "./test-controls.ts";
import type { ExpectedOutcome, Fate, TestOutcome } from "./test-outcome.ts";

/**
 * Options of `createTestDrain`: those of `createDrain`, with the same defaults. The kit sets `redis` and `clock` itself; `random`,
 * where none is given, is always 0.5, so that the times of retries are known.
 */
export type TestDrainOptions<Value = unknown> = Omit<EveryDrainOption<Value>, "redis" | "clock" | "list"> &
  HandlerOptions<Value> &
  TestOptions & {
    /**
     * The name of the list.
     * @default "test"
     */
    readonly list?: string;
  };

/** A drain under test, with a Redis and a time of its own. */
export interface TestDrain extends TestControls {
  /**
   * The drain itself without `run`: for `push` with options, `deadLetters`, `pause`, `limits` and `stats`. None of its requests is
   * lost, and it does not die.
   */
  readonly drain: Omit<Drain, "run">;
  /** Pushes messages, the first given first, as `drain.push` does. */
  push(...messages: Pushable[]): Promise<void>;
  /**
   * What became of a message. It is named by what was pushed: a text, bytes, or an object that the codec encodes to the same text.
   * Throws `ExpectationError` where no such message was seen, or where several equal ones have different outcomes.
   */
  outcomeOf(message: Pushable): TestOutcome;
  /** What became of every message that was pushed by `push`, handled, or found in Redis. */
  outcomes(): TestOutcome[];
  /**
   * Throws `ExpectationError`, which any test runner shows, where a message did not become what is expected.
   *
   * @example
   * kit.expect({ to: "ada" }, "acked");
   * kit.expect({ to: "bob" }, { became: "dead", attempts: 3, error: "no such mailbox" });
   */
  expect(message: Pushable, expected: Fate | ExpectedOutcome): void;
}

/**
 * Makes a drain for a test: your handler, run by the real drain over a Redis in memory that runs the real scripts. Its time passes at
 * once, and it crashes or loses replies when the test asks for it. It works with any test runner, and without one. Throws
 * `OptionError` for bad options.
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
  const { own, given } = splitOptions(options, ["redis", "clock", "shards"]);
  const settings = { list: "test", ...given };
  const kit = new Kit(
    own,
    ({ redis, clock, watched }) => createDrain({ ...watched(settings), redis, clock } as never),
    () => settings,
  );
  // Made first, so that it checks the options as they were given.
  const { run, ...drain } = createDrain({ ...settings, redis: kit.redis, clock: kit.time } as never);
  const list = kit.list(drain.list);
  const close = async (): Promise<void> => {
    kit.close();
    await drain.close();
  };
  return {
    ...kit.controls(),
    drain,
    push: (...messages) => pushTo(list, messages, () => drain.push(messages)),
    outcomeOf: (message) => list.outcomeOf(message),
    outcomes: () => list.outcomes(),
    expect: (message, expected) => list.expect(message, expected),
    close,
    [Symbol.asyncDispose]: close,
  };
}
