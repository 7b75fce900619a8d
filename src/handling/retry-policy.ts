import { SpillwayError } from "../errors.ts";
import * as limits from "../limits.ts";
import { attempt } from "../options/show.ts";
import { describe, isA, isThenable, peek, textOf, whenSettled } from "./guest.ts";
import type { Message } from "./message.ts";
import {
  type DeadLetterCause,
  type HandlerOutcome,
  NonRetryableError,
  type Outcome,
  Overloaded,
  outcomes,
  type RetryLater,
  type ToDeadLetter,
  withEffects,
} from "./outcome.ts";
import { SchemaError } from "./schema.ts";

/** Exponential backoff with full jitter: a random time up to `baseMs` × 2 ^ (attempt − 1), at most `maxMs`. */
export interface Backoff {
  /** Default: 1,000 ms. */
  readonly baseMs: number;
  /** Default: 900,000 ms, a quarter of an hour. */
  readonly maxMs: number;
}

/** What a delay function and `message:failed` get: the attempt that failed, from 1, what it threw, and the message. */
export interface Failure {
  readonly attempt: number;
  readonly error: unknown;
  readonly message: Message;
}

/**
 * When a failed message is tried again: a backoff, or a function that returns the delay in ms or a promise of it. Where the
 * function throws, takes longer than `handlerTimeoutMs` or does not give a number of at least 0, the default delay is taken.
 * Delays longer than a year are cut to a year.
 */
export type RetryDelay = Backoff | ((failure: Failure) => number | PromiseLike<number>);

export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly retryDelay: RetryDelay;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** What judging needs besides the message. */
export interface Judging {
  readonly policy: RetryPolicy;
  /** Redis' own clock, epoch ms; null where it is not known. */
  redisNow(): number | null;
  /** Waits for a delay function, for a bounded time. */
  waitFor(delay: PromiseLike<unknown>): Promise<unknown>;
}

const backoffDefault: Backoff = { baseMs: 1_000, maxMs: 900_000 };

/** How long until the next attempt, whole ms. */
async function delayAfter(failure: Failure, { policy, waitFor }: Judging): Promise<number> {
  const { retryDelay } = policy;
  if (typeof retryDelay === "function") {
    try {
      const given: unknown = retryDelay(failure);
      const delayMs = isThenable(given) ? await waitFor(given) : given;
      if (isDelay(delayMs)) return bounded(delayMs);
    } catch (error) {
      // The message has failed and must be settled, so the default delay is taken.
      void whenSettled(error);
    }
  }
  return backoffAfter(failure.attempt, policy);
}

/** The delay of a backoff, whole ms. */
export function backoffAfter(attempt: number, policy: RetryPolicy): number {
  const { retryDelay } = policy;
  const { baseMs, maxMs } = typeof retryDelay === "function" ? backoffDefault : retryDelay;
  return bounded(shareOf(policy) * Math.min(maxMs, baseMs * 2 ** (attempt - 1)));
}

/** A number from 0 to 1, whatever the user's `random` returns. */
export function shareOf({ random }: Pick<RetryPolicy, "random">): number {
  const share: unknown = attempt(random);
  void whenSettled(share);
  return isDelay(share) ? Math.min(share, 1) : 1;
}

function isDelay(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function bounded(delayMs: number): number {
  return Math.min(Math.round(delayMs), limits.delayMsMax);
}

/** The outcome that a handler asked for. It may come from another copy of this package, so its fields are checked. */
export async function judgeSaid(said: HandlerOutcome, message: Message, judging: Judging): Promise<Outcome> {
  switch (said.outcome) {
    case "ack":
      return outcomes.ack;
    case withEffects:
      return said.judge(message, judging);
    case "release":
      return outcomes.release;
    case "dead-letter": {
      const reason = textOf(peek(said, "reason"), limits.reasonCharsMax);
      return { kind: "dead-letter", cause: { reason }, isFailure: false };
    }
    case "retry": {
      if (message.attempt >= judging.policy.maxAttempts) {
        return { kind: "dead-letter", cause: { reason: "exhausted" }, isFailure: false };
      }
      const afterMs = peek(said, "afterMs");
      const failure = { attempt: message.attempt, error: undefined, message };
      const delayMs = isDelay(afterMs) ? bounded(afterMs) : await delayAfter(failure, judging);
      return { kind: "retry", delayMs, isFailure: false };
    }
  }
}

/**
 * The outcome of what a handler threw. Errors are known by class or by name, so that two copies of this package agree. Never
 * rejects, and its numbers are finite and its texts bounded and well-formed, whatever was thrown.
 */
export async function judgeThrown(error: unknown, message: Message, judging: Judging): Promise<Outcome> {
  const name = typeof error === "object" ? peek(error, "name") : undefined;
  // A wrong schema or codec refuses every message, so these count for the brake.
  if (isA(error, SchemaError)) {
    return toDeadLetter({ reason: "invalid", error: describe(error), issues: error.issues }, true);
  }
  if (isUndecodable(error, message)) {
    return toDeadLetter({ reason: "undecodable", error: describe(error) }, true);
  }
  if (isA(error, NonRetryableError) || name === "NonRetryableError") {
    return toDeadLetter({ reason: "non-retryable", error: describe(error) }, false);
  }
  const otherwise = await judgeFailed(error, message, judging);
  if (isA(error, Overloaded) || name === "Overloaded") {
    return { kind: "overloaded", untilMs: readMoment(peek(error, "untilMs"), judging.redisNow()), otherwise };
  }
  return otherwise;
}

/** Whether this error tells that the codec cannot read this message. It may tell it of another one of the same batch. */
export function isUndecodable(error: unknown, message: Message): boolean {
  if (!isA(error, SpillwayError) || peek(error, "code") !== "codec") return false;
  try {
    void message.value;
    return false;
  } catch {
    return true;
  }
}

async function judgeFailed(
  error: unknown,
  message: Message,
  judging: Judging,
): Promise<RetryLater | ToDeadLetter> {
  const { attempt } = message;
  if (attempt >= judging.policy.maxAttempts) {
    return toDeadLetter({ reason: "exhausted", error: describe(error) }, true);
  }
  return { kind: "retry", delayMs: await delayAfter({ attempt, error, message }, judging), isFailure: true };
}

/** Until when the brake is to hold, epoch ms; 0 for the brake's own pause. */
function readMoment(untilMs: unknown, redisNow: number | null): number {
  if (!isDelay(untilMs)) return 0;
  const latest = redisNow === null ? limits.momentMsMax : redisNow + limits.overloadMsMax;
  return Math.round(Math.min(untilMs, latest));
}

function toDeadLetter(cause: DeadLetterCause, isFailure: boolean): ToDeadLetter {
  return { kind: "dead-letter", cause, isFailure };
}
