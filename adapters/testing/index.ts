/**
 * A testing kit: a handler of yours through the real drain, in a test.
 *
 * @example
 * import { createTestDrain } from "spillway/testing";
 *
 * const kit = createTestDrain({ handler: sendEmail, maxAttempts: 3 });
 * await kit.push({ to: "ada" }, { to: "bob" });
 * await kit.drainUntilEmpty();
 * kit.expect({ to: "ada" }, "acked");
 *
 * @module
 */
export { createTestDrain } from "./create-test-drain.ts";
export { ExpectationError, StalledError } from "./errors.ts";
export type { TestDrain, TestDrainOptions, TestOptions, TestReport } from "./test-drain.ts";
export type { ExpectedOutcome, Fate, TestOutcome } from "./test-outcome.ts";
export type { TestClock } from "./test-time.ts";
