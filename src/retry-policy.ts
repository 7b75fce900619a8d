import { SpillwayError } from "./errors.ts";
import { limits } from "./limits.ts";
import type { Message } from "./message.ts";
import {
  type DeadLetterCause,
  type HandlerOutcome,
  isHandlerOutcome,
  NonRetryableError,
  type Outcome,
  Overloaded,
  outcomes,
} from "./outcome.ts";
import { SchemaError } from "./schema.ts";

/** Exponential backoff with full jitter: a random time up to `baseMs` × 2 ^ (attempt − 1), at most `maxMs`. */
export interface Backoff {
  /** Default: 1,000 ms. */
  readonly baseMs: number;
  /** Default: 900,000 ms, a quarter of an hour. */
  readonly maxMs: number;
}

/** What a delay function is told: the attempt that failed, from 1, what it threw, and the message. */
export interface Failure {
  readonly attempt: number;
  readonly error: unknown;
  readonly message: Message;
}

/** When a failed message is tried again: a backoff, or a function that gives the delay in ms. */
export type RetryDelay = Backoff | ((failure: Failure) => number);

export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly retryDelay: RetryDelay;
  /** From 0 to 1. */
  readonly random: () => number;
}

const backoffDefault: Backoff = { baseMs: 1_000, maxMs: 900_000 };

/** How long until the next attempt, whole ms. A function that throws or gives no number of ms counts as absent. */
function delayAfter(failure: Failure, policy: RetryPolicy): number {
  const { retryDelay, random } = policy;
  if (typeof retryDelay === "function") {
    try {
      const delayMs = retryDelay(failure);
      if (typeof delayMs === "number" && delayMs >= 0) return bounded(delayMs);
      // An async function is no delay; its rejection must not end the process all the same.
      Promise.resolve(delayMs).catch(() => undefined);
    } catch {
      // The message has failed and must be settled; the default delay does.
    }
  }
  const { baseMs, maxMs } = typeof retryDelay === "function" ? backoffDefault : retryDelay;
  return bounded(random() * Math.min(maxMs, baseMs * 2 ** (failure.attempt - 1)));
}

function bounded(delayMs: number): number {
  return Math.min(Math.round(delayMs), limits.delayMsMax);
}

/** What a handler's return value means. */
export function judgeReturned(returned: unknown, message: Message, policy: RetryPolicy): Outcome {
  if (!isHandlerOutcome(returned)) return outcomes.ack;
  return judgeSaid(returned, message, policy);
}

function judgeSaid(said: HandlerOutcome, message: Message, policy: RetryPolicy): Outcome {
  switch (said.outcome) {
    case "ack":
      return outcomes.ack;
    case "release":
      return outcomes.release;
    case "dead-letter":
      return { kind: "dead-letter", cause: { reason: said.reason }, isFailure: false };
    case "retry": {
      if (message.attempt >= policy.maxAttempts) {
        return { kind: "dead-letter", cause: { reason: "exhausted" }, isFailure: false };
      }
      const failure = { attempt: message.attempt, error: undefined, message };
      const delayMs = said.afterMs === undefined ? delayAfter(failure, policy) : bounded(said.afterMs);
      return { kind: "retry", delayMs, isFailure: false };
    }
  }
}

/** What a handler's throw means. Errors are known by class or by name, so that two copies of this package agree. */
export function judgeThrown(error: unknown, message: Message, policy: RetryPolicy): Outcome {
  const name = error instanceof Error ? error.name : "";
  if (error instanceof SchemaError) {
    return toDeadLetter({ reason: "invalid", error: describe(error), issues: error.issues });
  }
  if (error instanceof SpillwayError && error.code === "codec") {
    return toDeadLetter({ reason: "undecodable", error: describe(error) });
  }
  if (error instanceof NonRetryableError || name === "NonRetryableError") {
    return toDeadLetter({ reason: "non-retryable", error: describe(error) });
  }
  const otherwise =
    message.attempt >= policy.maxAttempts
      ? ({
          kind: "dead-letter",
          cause: { reason: "exhausted", error: describe(error) },
          isFailure: true,
        } as const)
      : ({
          kind: "retry",
          delayMs: delayAfter({ attempt: message.attempt, error, message }, policy),
          isFailure: true,
        } as const);
  if (error instanceof Overloaded || name === "Overloaded") {
    const { untilMs } = error as Overloaded;
    const isMoment = typeof untilMs === "number" && untilMs > 0;
    return { kind: "overloaded", untilMs: isMoment ? Math.round(untilMs) : 0, otherwise };
  }
  return otherwise;
}

function toDeadLetter(cause: DeadLetterCause): Outcome {
  return { kind: "dead-letter", cause, isFailure: false };
}

/** An error as a dead letter keeps it. */
function describe(error: unknown): NonNullable<DeadLetterCause["error"]> {
  if (error instanceof Error) {
    const { name, message, stack } = error;
    return { name: String(name), message: String(message), ...(typeof stack === "string" ? { stack } : {}) };
  }
  return { name: typeof error, message: textOf(error) };
}

function textOf(value: unknown): string {
  try {
    return typeof value === "string" ? value : String(value);
  } catch {
    return "a value that has no text";
  }
}
