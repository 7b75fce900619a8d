import type { Settlement, TurnResult } from "./broker.ts";
import type { Meter } from "./sender.ts";

/** Why a drain stopped. `empty`: nothing left that this drain may run; `limit`: `maxMessages`. */
export type StopReason =
  | "empty"
  | "budget"
  | "limit"
  | "busy"
  | "paused"
  | "rate-limited"
  | "aborted"
  | "error";

/** What one drain did. */
export interface DrainReport {
  /** Messages claimed. */
  readonly claimed: number;
  readonly acked: number;
  /** Messages that failed and went back with an attempt counted. */
  readonly retried: number;
  readonly deadLettered: number;
  /** Messages returned unharmed: not begun, or cut short by an abort from outside. */
  readonly released: number;
  /** Messages whose lease another had taken before they were settled: not acknowledged here, whatever the handler did. */
  readonly lostLease: number;
  /** Messages of other drains' expired leases returned to the list. */
  readonly recovered: number;
  /** Messages left in the list; null where it is not known. */
  readonly remaining: number | null;
  /** When the next delayed message is due, epoch ms. */
  readonly nextDueAt: number | null;
  readonly stopped: StopReason;
  /** Name of the continuation that was invoked, or null. */
  readonly continuedWith: string | null;
  /** Requests sent to Redis: round trips. */
  readonly requests: number;
  /** Commands Redis ran, those inside scripts included: the dearer reading of how Upstash bills. */
  readonly commands: number;
  readonly elapsedMs: number;
  /** What ended the drain, where `stopped` is `error`; or why the continuation failed. */
  readonly error: Error | null;
}

/** Gathers a report. */
export class ReportBuilder {
  claimed = 0;
  recovered = 0;
  remaining: number | null = null;
  nextDueAt: number | null = null;
  continuedWith: string | null = null;
  error: Error | null = null;
  #counts = { ack: 0, retry: 0, release: 0, keep: 0 };
  #lostLease = 0;
  readonly #meter: Meter;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** Messages settled so far that moved things on: the progress a chain needs. */
  get ackedCount(): number {
    return this.#counts.ack;
  }

  add(result: TurnResult, settlement: Settlement | null): void {
    this.claimed += result.batch?.messages.length ?? 0;
    this.recovered += result.recovered;
    this.remaining = result.remaining;
    this.nextDueAt = result.nextDueAt ?? this.nextDueAt;
    if (settlement === null) return;
    if (result.lostCount >= settlement.outcomes.length) {
      this.#lostLease += result.lostCount;
      return;
    }
    for (const outcome of settlement.outcomes) this.#counts[outcome] += 1;
    // Only the plain engine loses single messages of a batch; which ones, it is not told.
    this.#lostLease += result.lostCount;
    this.#counts.ack = Math.max(0, this.#counts.ack - result.lostCount);
  }

  finish(stopped: StopReason, elapsedMs: number): DrainReport {
    return {
      claimed: this.claimed,
      acked: this.#counts.ack,
      retried: this.#counts.retry,
      deadLettered: 0,
      released: this.#counts.release,
      lostLease: this.#lostLease,
      recovered: this.recovered,
      remaining: this.remaining,
      nextDueAt: this.nextDueAt,
      stopped,
      continuedWith: this.continuedWith,
      requests: this.#meter.requests,
      commands: this.#meter.commands,
      elapsedMs,
      error: this.error,
    };
  }
}
