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
export { ExpectationError, StalledError } from "./errors.ts";
export type { TestControls, TestOptions, TestReport } from "./test-controls.ts";
export { createTestDrain, type TestDrain, type TestDrainOptions } from "./test-drain.ts";
export type { ExpectedOutcome, Fate, TestOutcome } from "./test-outcome.ts";
export { createTestSpillway, type TestSpillway, type TestSpillwayOptions } from "./test-spillway.ts";
export type { TestClock } from "./test-time.ts";
