import type { Settlement, TurnResult } from "../broker/broker.ts";
import { asError } from "../handling/guest.ts";
import { type SettledAs, settledAs } from "../handling/outcome.ts";
import type { Meter } from "../redis/sender.ts";
import { type FailureCount, FailureNotes } from "./failures.ts";

/**
 * Why a drain stopped. `empty`: nothing is left that may run now; `limit`: `maxMessages` is reached; `braked`: see `brake`;
 * `paused`: see `pause`; `rate-limited`: see `limits`; `held`: see `order`.
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
  /** Messages done, with those that an earlier drain finished before it died: see `finished`. */
  readonly acked: number;
  /** Messages that failed or were to be retried, and now wait in the delayed set with one attempt more. */
  readonly retried: number;
  /** Messages that went to the dead letters, with those of other drains that were in too many crashes. */
  readonly deadLettered: number;
  /** Messages returned without counting an attempt: not begun, cut short by an abort from outside, or held back by the brake. */
  readonly released: number;
  /** Messages whose lease had ended, and that were recovered before this drain settled them: another drain has them now. */
  readonly lostLease: number;
  /**
   * Messages whose settle Redis refused or never answered, so that it is not known what became of them. They stay leased, and
   * those that were not settled run again when the lease has ended.
   */
  readonly unsettled: number;
  /** Messages whose handlers still ran when the drain had to end. They stay leased, and run again when the lease has ended. */
  readonly leftBehind: number;
  /** Messages of other drains' expired leases returned to the list. */
  readonly recovered: number;
  /** How many of `acked` are messages of other drains' expired leases that `idempotent` had noted as done. */
  readonly finished: number;
  /** Messages left in the list; null where it is not known. */
  readonly remaining: number | null;
  /** How old the oldest message was when it was claimed, ms. Null where none was claimed or none says when it was sent: see `sentAt`. */
  readonly oldestMs: number | null;
  /**
   * When something can next be done, epoch ms on Redis' own clock: when the next delayed message is due or, where the drain
   * stopped as `braked`, when the next probe may run; as `rate-limited`, when the next window begins; as `held`, when the next
   * attempt is due; as `busy`, when the first live lease ends.
   */
  readonly nextDueAt: number | null;
  readonly stopped: StopReason;
  /** Name of the continuation that was invoked, or null. */
  readonly continuedWith: string | null;
  /** Other drains that this one started beside its own chain: see `scaleOut`. */
  readonly started: number;
  /** Why no other drain was invoked or started although there was reason to; or null. */
  readonly declined: string | null;
  /** Requests sent to Redis: round trips. */
  readonly requests: number;
  /** Commands that Redis ran, with those inside scripts: the higher of the two ways in which Upstash's prices can be read. */
  readonly commands: number;
  readonly elapsedMs: number;
  /** What handlers, schemas and the codec threw: the last few different errors, the newest first. Payloads are taken out. */
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
  /** When the last lease of messages whose handlers still ran ends, epoch ms on Redis' clock. */
  leftUntil: number | null = null;
  continuedWith: string | null = null;
  declined: string | null = null;
  started = 0;
  error: Error | null = null;
  readonly failures = new FailureNotes();
  readonly #counts: Record<SettledAs, number> = { ack: 0, retry: 0, "dead-letter": 0, release: 0, keep: 0 };
  #leftBehind = 0;
  #deadLetterCount = 0;
  #finished = 0;
  unsettled = 0;
  #lostLease = 0;
  readonly #meter: Meter;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** Messages settled so far other than by giving them back: the progress that a chain needs to go on. */
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
    const kept = settlement.outcomes.filter((_, at) => words[at] === "keep");
    const leftBehind = kept.filter(({ kind }) => kind === "keep").length;
    this.#leftBehind += leftBehind;
    // What Redis refused to move has stayed too, and the broker may have counted it already.
    this.unsettled += Math.max(0, kept.length - leftBehind - result.unsettledCount);
    // The plain engine's batches have no lease.
    if (kept.length > 0 && settlement.batch.expiresAt > 0) {
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
      leftBehind: this.#leftBehind,
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

/** The report of a run that failed as a whole. */
export function brokenReport(error: unknown): DrainReport {
  const report = new ReportBuilder({ requests: 0, elsewhere: 0, commands: 0 });
  report.error = asError(error);
  return report.finish("error", 0);
}
