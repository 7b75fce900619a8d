import { SpillwayError } from "../../src/index.ts";

/** A message did not become what the test expects. Test runners show `actual` and `expected` as a difference. */
export class ExpectationError extends SpillwayError {
  override readonly name: string = "ExpectationError";
  readonly actual: unknown;
  readonly expected: unknown;
  constructor(message: string, actual: unknown, expected: unknown) {
    super("test-expectation", message);
    this.actual = actual;
    this.expected = expected;
  }
}

/**
 * A test cannot go on: a handler does not end, or runs make no progress. Says what was going on, and what helps.
 */
export class StalledError extends SpillwayError {
  override readonly name: string = "StalledError";
  constructor(message: string, options?: { cause?: unknown }) {
    super("test-stalled", message, options);
  }
}
