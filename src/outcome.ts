import { OptionError } from "./errors.ts";
import { show } from "./show.ts";

/** What a handler may return to say what becomes of its message. Anything else it returns, or nothing, is `ack`. */
export type HandlerOutcome = typeof ack | typeof release | RetryOutcome | DeadLetterOutcome;

interface RetryOutcome {
  readonly outcome: "retry";
  readonly afterMs: number | undefined;
}

interface DeadLetterOutcome {
  readonly outcome: "dead-letter";
  readonly reason: string;
}

const said = new WeakSet<object>();

function say<Said extends object>(outcome: Said): Said {
  said.add(outcome);
  return Object.freeze(outcome);
}

/** The message is done. */
export const ack: { readonly outcome: "ack" } = say({ outcome: "ack" });

/** The message goes back to the right end of the list, in its old order; no attempt is counted. */
export const release: { readonly outcome: "release" } = say({ outcome: "release" });

/**
 * The message is tried again later: after `afterMs`, or as `retryDelay` says. An attempt is counted. Throws
 * `OptionError` for an `afterMs` that is no number of ms.
 */
export function retry(options: { afterMs?: number } = {}): RetryOutcome {
  const { afterMs } = options;
  if (afterMs !== undefined && !(typeof afterMs === "number" && afterMs >= 0 && Number.isFinite(afterMs))) {
    throw new OptionError("afterMs", "a number of ms of at least 0", show(afterMs));
  }
  return say({ outcome: "retry", afterMs });
}

/** The message goes to the dead letters at once, with this reason. */
export function deadLetter(reason: string): DeadLetterOutcome {
  return say({ outcome: "dead-letter", reason: String(reason) });
}

export function isHandlerOutcome(value: unknown): value is HandlerOutcome {
  return typeof value === "object" && value !== null && said.has(value);
}

/** Thrown by a handler, or the name of what it throws: the message goes to the dead letters at once. */
export class NonRetryableError extends Error {
  override readonly name: string = "NonRetryableError";
}

/**
 * Thrown by a handler when what it depends on takes no more: the message goes back in its order without an attempt
 * counted, and the brake holds every drain of the list until then. `untilMs` is a moment, epoch ms; without it the
 * brake's own growing pause is kept.
 */
export class Overloaded extends Error {
  override readonly name: string = "Overloaded";
  readonly untilMs: number | undefined;
  constructor(options: { untilMs?: number; message?: string; cause?: unknown } = {}) {
    super(options.message ?? "Overloaded", "cause" in options ? { cause: options.cause } : undefined);
    const { untilMs } = options;
    if (untilMs !== undefined && !Number.isFinite(untilMs)) {
      throw new OptionError("untilMs", "a moment in epoch ms", show(untilMs));
    }
    this.untilMs = untilMs;
  }
}

/** Why a message is in the dead letters, beside its attempts and times. */
export interface DeadLetterCause {
  readonly reason: string;
  readonly error?: { readonly name: string; readonly message: string; readonly stack?: string } | undefined;
  readonly issues?: readonly { readonly path: string; readonly message: string }[] | undefined;
}

/**
 * What becomes of a claimed message. `ack` removes it; `release` returns it to the right end in its old order and counts
 * nothing; `keep` leaves it leased (its handler still runs); `retry` counts an attempt and delays it; `dead-letter`
 * ends it; `overloaded` releases it and brakes, or does as `otherwise` says where the brake no longer may.
 * `isFailure` tells what the brake counts: a handler that threw, not one that asked.
 */
export type Outcome =
  | { readonly kind: "ack" }
  | { readonly kind: "release" }
  | { readonly kind: "keep" }
  | RetryLater
  | ToDeadLetter
  | { readonly kind: "overloaded"; readonly untilMs: number; readonly otherwise: RetryLater | ToDeadLetter };

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
