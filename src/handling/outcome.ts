import type { Effects } from "../broker/effects.ts";
import { OptionError } from "../errors.ts";
import { show } from "../options/show.ts";
import { type ErrorText, peek } from "./guest.ts";
import type { Message } from "./message.ts";
import type { Judging } from "./retry-policy.ts";

/** Marks outcomes, also those of another copy of this package. JSON cannot hold a symbol, so no payload or row can be an outcome. */
export const brand: unique symbol = Symbol.for("spillway.outcome");

/**
 * What a handler may return to say what becomes of its message: `ack`, `release`, `retry(…)`, `deadLetter(…)` or
 * `forward(…)`. Only these make outcomes: an object that looks like one fails the message.
 */
export type HandlerOutcome = Said<"ack"> | AckWithEffects | typeof release | RetryOutcome | DeadLetterOutcome;

export interface Said<Word extends string> {
  readonly [brand]: true;
  readonly outcome: Word;
}

/** The word of an ack with effects. A version of this package that treats them otherwise must use another word. */
export const withEffects = "ack with effects";

/** An ack with effects. It brings the code for them along, so that a bundle without effects has none of it. */
export interface AckWithEffects extends Said<typeof withEffects> {
  /** Throws where the message's list or engine does not allow the effects. */
  judge(message: Message, judging: Judging): Outcome;
}

interface RetryOutcome extends Said<"retry"> {
  readonly afterMs: number | undefined;
}

interface DeadLetterOutcome extends Said<"dead-letter"> {
  readonly reason: string;
}

/* @__NO_SIDE_EFFECTS__ */
export function say<Word extends string, Details>(outcome: Word, details: Details): Said<Word> & Details {
  const said = { outcome, ...details };
  // Not enumerable, so that a copy of an outcome, which may have been changed, is not one.
  return Object.freeze(Object.defineProperty(said, brand, { value: true })) as unknown as Said<Word> &
    Details;
}

/** The message goes back to the right end of the list, in its old order. No attempt is counted. */
export const release: Said<"release"> = say("release", {});

/**
 * The message is tried again later: after `afterMs` ms or, without it, as `retryDelay` says. An attempt is counted. Throws
 * `OptionError` for an `afterMs` that is not a number of at least 0.
 */
export function retry(options: { afterMs?: number } = {}): RetryOutcome {
  const { afterMs } = options;
  if (afterMs !== undefined && !(typeof afterMs === "number" && afterMs >= 0 && Number.isFinite(afterMs))) {
    throw new OptionError("afterMs", "a number of ms of at least 0", show(afterMs));
  }
  return say("retry", { afterMs });
}

/** The message goes to the dead letters at once, with this reason. */
export function deadLetter(reason: string): DeadLetterOutcome {
  return say("dead-letter", { reason: String(reason) });
}

export function isHandlerOutcome(value: unknown): value is HandlerOutcome {
  const mayBe = (typeof value === "object" && value !== null) || typeof value === "function";
  return mayBe && peek(value, brand) === true;
}

/** A handler that throws this, or an error of this name, sends its message to the dead letters at once. */
export class NonRetryableError extends Error {
  override readonly name: string = "NonRetryableError";
}

/**
 * A handler throws this when the service that it calls is overloaded. The message goes back in its order, no attempt is
 * counted, and the brake holds all drains of the list until `untilMs`, epoch ms, at most a day from now. Without `untilMs`, or
 * where it is not a number, the brake's own growing pause is kept.
 */
export class Overloaded extends Error {
  override readonly name: string = "Overloaded";
  readonly untilMs: number | undefined;
  constructor(options: { untilMs?: number; message?: string; cause?: unknown } = {}) {
    super(options.message ?? "Overloaded", "cause" in options ? { cause: options.cause } : undefined);
    // A bad `untilMs` is left out: an OptionError thrown here would make the overload a plain failure.
    this.untilMs = Number.isFinite(options.untilMs) ? options.untilMs : undefined;
  }
}

/** Why a message is in the dead letters. Its attempts and times are kept beside it. */
export interface DeadLetterCause {
  readonly reason: string;
  readonly error?: ErrorText | undefined;
  readonly issues?: readonly { readonly path: string; readonly message: string }[] | undefined;
}

/**
 * What becomes of a claimed message. `ack` removes it, and runs its `effects`. `release` returns it to the right end in its old
 * order and counts nothing. `keep` leaves it leased, since its handler still runs. `retry` counts an attempt and delays it.
 * `dead-letter` ends it. `overloaded` releases it and brakes, or does as `otherwise` says where the brake may no longer hold it.
 * `isFailure` says whether the brake counts it: where a handler threw or a codec or a schema refused, not where a handler asked
 * for it.
 */
export type Outcome = { readonly effects?: Effects } & (
  | { readonly kind: "ack" }
  | { readonly kind: "release" }
  | { readonly kind: "keep" }
  | RetryLater
  | ToDeadLetter
  | { readonly kind: "overloaded"; readonly untilMs: number; readonly otherwise: RetryLater | ToDeadLetter }
);

export interface RetryLater {
  readonly kind: "retry";
  readonly delayMs: number;
  readonly isFailure: boolean;
}

export interface ToDeadLetter {
  readonly kind: "dead-letter";
  readonly cause: DeadLetterCause;
  readonly isFailure: boolean;
}

/** What was carried out. An overload ends as one of these, too. */
export type SettledAs = "ack" | "retry" | "dead-letter" | "release" | "keep";

export const outcomes = {
  ack: { kind: "ack" },
  release: { kind: "release" },
  keep: { kind: "keep" },
} as const satisfies Record<string, Outcome>;

/** How an outcome is carried out where the brake does not change it. */
export function settledAs(outcome: Outcome): SettledAs {
  return outcome.kind === "overloaded" ? "release" : outcome.kind;
}
