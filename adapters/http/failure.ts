import { SpillwayError } from "../../src/index.ts";
import { problem, Refusal } from "./problem.ts";

/** Logs what failed, whatever was thrown. Never throws: an error may be made so that it cannot be printed. */
export function logError(what: string, error: unknown): void {
  try {
    console.error(`Spillway: ${what}`, error);
  } catch {
    console.error(`Spillway: ${what} The error cannot be read.`);
  }
}

/** A body that was read before, is locked, or fails while it is read: a fault of the host, or of the way to it. */
export class UnreadableBody extends Error {
  constructor(cause: unknown) {
    super(
      "The request's body cannot be read: its sender went away, or it was read before. Hand the request on before anything else reads it.",
      { cause },
    );
  }
}

/**
 * Answers a request that failed, and logs why. The answer tells Redis' failures from all others, and gives no cause, since a
 * secret may be in it.
 */
export function answerFailure(error: unknown): Response {
  if (error instanceof Refusal) return problem(error.status, error.message);
  logError("a request could not be served.", error);
  if (error instanceof UnreadableBody) return problem(500, error.message);
  const isRedis = error instanceof SpillwayError && error.code.startsWith("redis-");
  return problem(
    503,
    isRedis
      ? "Redis did not serve the request."
      : "The request could not be served; the host's log says why.",
  );
}
