import type { Effects } from "../broker/effects.ts";
import { OptionError } from "../errors.ts";
import { show } from "../options/show.ts";
import { type ErrorText, peek } from "./guest.ts";
import type { Message } from "./message.ts";
import type { Judging } from "./retry-policy.ts";

/** Marks outcomes, also those of another copy of this package. JSON cannot carry it, so no payload or row can be one. */
export const brand: unique symbol = Symbol.for("spillway.outcome");

/**
 * What a handler may return to say what becomes of its message: `ack`, `release`, `retry(…)`, `deadLetter(…)` or
 * `forward(…)`. Only these make one: an object that looks alike fails the message.
 */
export type HandlerOutcome = Said<"ack"> | AckWithEffects | typeof release | RetryOutcome | DeadLetterOutcome;

export interface Said<Word extends string> {
  readonly [brand]: true;
  readonly outcome: Word;
}

/** The word of an ack with effects. Another copy of this package says another one where it judges or settles them otherwise. */
export const withEffects = "ack with effects";

/** An ack that brings effects along, and the code for them: who gives none has none of it. */
export interface AckWithEffects extends Said<typeof withEffects> {
  /** Throws where the message's list, or its engine, cannot have them. */
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
  // Not enumerable, so that a copy, which may have been changed, is none.
  return Object.freeze(Object.defineProperty(said, brand, { value: true })) as unknown as Said<Word> &
    Details;
}

/** The message goes back to the right end of the list, in its old order; no attempt is counted. */
export const release: Said<"release"> = say("release", {});

/**
 * The message is tried again later: after `afterMs`, or as `retryDelay` says. An attempt is counted. Throws
 * `OptionError` for an `afterMs` that is no number of ms.
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

/** Thrown by a handler, or the name of what it throws: the message goes to the dead letters at once. */
export class NonRetryableError extends Error {
  override readonly name: string = "NonRetryableError";
}

/**
 * Thrown by a handler when what it depends on takes no more: the message goes back in its order without an attempt
 * counted, and the brake holds every drain of the list until then. `untilMs` is a moment, epoch ms, and counts as at most
 * a day from now; without it, or where it is no number, the brake's own growing pause is kept.
 */
export class Overloaded extends Error {
  override readonly name: string = "Overloaded";
  readonly untilMs: number | undefined;
  constructor(options: { untilMs?: number; message?: string; cause?: unknown } = {}) {
    super(options.message ?? "Overloaded", "cause" in options ? { cause: options.cause } : undefined);
    // One that cannot be read is left out: throwing something else here would make a failure of an overload.
    this.untilMs = Number.isFinite(options.untilMs) ? options.untilMs : undefined;
  }
}

/** Why a message is in the dead letters, beside its attempts and times. */
export interface DeadLetterCause {
  readonly reason: string;
  readonly error?: ErrorText | undefined;
  readonly issues?: readonly { readonly path: string; readonly message: string }[] | undefined;
}

/**
 * What becomes of a claimed message. `ack` removes it, and with `effects` runs them; `release` returns it to the right end
 * in its old order and counts nothing; `keep` leaves it leased (its handler still runs); `retry` counts an attempt and delays it; `dead-letter`
 * ends it; `overloaded` releases it and brakes, or does as `otherwise` says where the brake no longer may.
 * `isFailure` tells what the brake counts: a handler that threw, a codec or a schema that refused, not one that asked.
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

/** What was carried out: the same words, an overload being one of the others. */
export type SettledAs = "ack" | "retry" | "dead-letter" | "release" | "keep";

export const outcomes = {
  ack: { kind: "ack" },
  release: { kind: "release" },
  keep: { kind: "keep" },
} as const satisfies Record<string, Outcome>;

/** What an outcome is carried out as where no brake says otherwise. */
export function settledAs(outcome: Outcome): SettledAs {
  return outcome.kind === "overloaded" ? "release" : outcome.kind;
}
