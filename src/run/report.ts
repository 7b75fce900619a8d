import type { Settlement, TurnResult } from "../broker/broker.ts";
import { asError } from "../handling/guest.ts";
import { type SettledAs, settledAs } from "../handling/outcome.ts";
import type { Meter } from "../redis/sender.ts";
import { type FailureCount, FailureNotes } from "./failures.ts";

/**
 * Why a drain stopped. `empty`: nothing left that may run now; `limit`: `maxMessages`; `braked`: see `brake`; `paused`: see
 * `pause`; `rate-limited`: see `limits`; `held`: see `order`.
 */
export type StopReason =
  | "empty"
  | "budget"
  | "limit"
  | "busy"
  | "braked"
  | "paused"
  | "rate-limited"
  | "held"
  | "aborted"
  | "error";

/** What one drain did. */
export interface DrainReport {
  /** Messages claimed. */
  readonly claimed: number;
  /** Messages done. Those of other drains' expired leases whose done-markers say so are among them: see `finished`. */
  readonly acked: number;
  /** Messages that failed, or asked to wait, and wait in the delayed set with an attempt counted. */
  readonly retried: number;
  /** Messages that went to the dead letters, those of other drains that crashed too often included. */
  readonly deadLettered: number;
  /** Messages returned unharmed: not begun, cut short by an abort from outside, or held back by the brake. */
  readonly released: number;
  /** Messages whose lease another had taken before they were settled: not acknowledged here, whatever the handler did. */
  readonly lostLease: number;
  /**
   * Messages of which it is not known what became of them, because Redis refused their settle or never answered it. They
   * stay leased; those that were not settled run again when the lease has ended.
   */
  readonly unsettled: number;
  /** Messages of other drains' expired leases returned to the list. */
  readonly recovered: number;
  /** Of `acked`: messages of other drains' expired leases, which `idempotent` had noted as done. */
  readonly finished: number;
  /** Messages left in the list; null where it is not known. */
  readonly remaining: number | null;
  /** How old the oldest message was when it was claimed, ms; null where none was claimed, or none says when it was sent: see `sentAt`. */
  readonly oldestMs: number | null;
  /**
   * When the next delayed message is due or, when braked, the next probe or, when rate-limited, the next window or, when held, the next attempt or, when busy, the first live lease ends, epoch ms
   * on Redis' own clock.
   */
  readonly nextDueAt: number | null;
  readonly stopped: StopReason;
  /** Name of the continuation that was invoked, or null. */
  readonly continuedWith: string | null;
  /** Other drains that this one started beside its own chain: see `scaleOut`. */
  readonly started: number;
  /** Why the continuation did not invoke another drain although there was reason to, or no other was started; or null. */
  readonly declined: string | null;
  /** Requests sent to Redis: round trips. */
  readonly requests: number;
  /** Commands Redis ran, those inside scripts included: the dearer reading of how Upstash bills. */
  readonly commands: number;
  readonly elapsedMs: number;
  /** What handlers, schemas and the codec threw: the newest few different ones, the newest first; never a payload of ours. */
  readonly failures: readonly FailureCount[];
  /** What ended the drain, where `stopped` is `error`; or why the continuation failed. */
  readonly error: Error | null;
}

/** Gathers a report. */
export class ReportBuilder {
  claimed = 0;
  recovered = 0;
  remaining: number | null = null;
  oldestMs: number | null = null;
  nextDueAt: number | null = null;
  /** Redis' clock at the last turn, epoch ms. */
  redisNow: number | null = null;
  /** When the last lease of what still ran when it was settled ends, epoch ms on Redis' clock. */
  leftUntil: number | null = null;
  continuedWith: string | null = null;
  declined: string | null = null;
  started = 0;
  error: Error | null = null;
  readonly failures = new FailureNotes();
  readonly #counts: Record<SettledAs, number> = { ack: 0, retry: 0, "dead-letter": 0, release: 0, keep: 0 };
  #deadLetterCount = 0;
  #finished = 0;
  unsettled = 0;
  #lostLease = 0;
  readonly #meter: Meter;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** Messages settled so far that moved things on: the progress a chain needs. */
  get progressCount(): number {
    return this.#counts.ack + this.#counts["dead-letter"];
  }

  get retriedCount(): number {
    return this.#counts.retry;
  }

  add(result: TurnResult, settlement: Settlement | null): void {
    this.claimed += result.batch?.messages.length ?? 0;
    this.recovered += result.recovered;
    this.remaining = result.remaining;
    this.nextDueAt = result.nextDueAt ?? this.nextDueAt;
    this.redisNow = result.now > 0 ? result.now : this.redisNow;
    this.#deadLetterCount += result.deadLetters.length;
    this.#finished += result.finishedCount;
    this.unsettled += result.unsettledCount;
    if (settlement === null || result.unsettledCount >= settlement.outcomes.length) return;
    if (result.lostCount >= settlement.outcomes.length) {
      this.#lostLease += result.lostCount;
      return;
    }
    const words = result.settledAs ?? settlement.outcomes.map(settledAs);
    for (const word of words) this.#counts[word] += 1;
    // The plain engine's batches have no lease.
    if (words.includes("keep") && settlement.batch.expiresAt > 0) {
      this.leftUntil = Math.max(this.leftUntil ?? 0, settlement.batch.expiresAt);
    }
    // Only the plain engine loses single messages of a batch.
    this.#lostLease += result.lostCount;
    this.#counts.ack = Math.max(0, this.#counts.ack - result.lostCount);
  }

  finish(stopped: StopReason, elapsedMs: number): DrainReport {
    return {
      claimed: this.claimed,
      acked: this.#counts.ack + this.#finished,
      retried: this.#counts.retry,
      deadLettered: this.#counts["dead-letter"] + this.#deadLetterCount,
      released: this.#counts.release,
      lostLease: this.#lostLease,
      unsettled: this.unsettled,
      recovered: this.recovered,
      finished: this.#finished,
      remaining: this.remaining,
      oldestMs: this.oldestMs,
      nextDueAt: this.nextDueAt,
      stopped,
      continuedWith: this.continuedWith,
      declined: this.declined,
      started: this.started,
      requests: this.#meter.requests,
      commands: this.#meter.commands,
      elapsedMs,
      failures: this.failures.toList(),
      error: this.error,
    };
  }
}

/** The report of a run that could not go on at all. */
export function brokenReport(error: unknown): DrainReport {
  const report = new ReportBuilder({ requests: 0, elsewhere: 0, commands: 0 });
  report.error = asError(error);
  return report.finish("error", 0);
}
