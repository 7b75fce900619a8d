import type { Clock } from "../clock.ts";

/** The moments of one drain, on its clock. */
export interface RunDeadline {
  /** Handlers get their abort signal and no other starts. */
  readonly stopAt: number;
  /** Handlers that still run are left behind, leased. */
  readonly leaveAt: number;
  /** The budget ends: no request is sent again after it. */
  readonly endAt: number;
}

/** Keeps the reserve, never more than a quarter of the budget, at its end: half for handlers to stop, half to settle. */
export function runDeadline(startedAt: number, budgetMs: number, reserveMs: number): RunDeadline {
  const reserve = Math.min(reserveMs, budgetMs / 4);
  const endAt = startedAt + budgetMs;
  return { stopAt: endAt - reserve, leaveAt: endAt - reserve / 2, endAt };
}

/**
 * Says when to stop and when to leave, by timer, by clock and by the caller's abort. The clock is asked as well as the
 * timer because a handler that never yields holds up timers, and some runtimes' clocks move only between events.
 *
 * It lives as long as its run, so whoever waits on it is forgotten when done waiting: thousands of batches do.
 */
export class Stopper {
  readonly #clock: Clock;
  readonly #stopAt: number;
  readonly #cancels: (() => void)[] = [];
  readonly #onStop = new Set<(reason: DOMException) => void>();
  readonly #onLeave = new Set<() => void>();
  #stopReason: DOMException | undefined;
  #isLeft = false;
  /** Whether the caller aborted, rather than time ending. */
  wasAborted = false;
  /** Whether no other message may begin, while those that run may end: the list was paused. */
  isHeldBack = false;

  constructor(
    clock: Clock,
    deadline: RunDeadline,
    outside: AbortSignal | undefined,
    abortMs = deadline.leaveAt - deadline.stopAt,
  ) {
    this.#clock = clock;
    this.#stopAt = deadline.stopAt;
    const now = clock.now();
    this.#cancels.push(
      clock.after(deadline.stopAt - now, () => this.#stop("The drain's time budget ended.")),
    );
    this.#cancels.push(clock.after(deadline.leaveAt - now, () => this.#leave()));
    if (outside) {
      const abort = (): void => {
        this.wasAborted = true;
        this.#stop("The drain was aborted.");
        this.#cancels.push(clock.after(abortMs, () => this.#leave()));
      };
      if (outside.aborted) abort();
      else {
        outside.addEventListener("abort", abort, { once: true });
        this.#cancels.push(() => outside.removeEventListener("abort", abort));
      }
    }
  }

  get isStopped(): boolean {
    return this.#stopReason !== undefined || this.#clock.now() >= this.#stopAt;
  }

  /** Time left until the stop, ms, never below 0. */
  remainingMs(): number {
    return this.#stopReason ? 0 : Math.max(0, this.#stopAt - this.#clock.now());
  }

  /** Calls back at the stop, at once where that was; returns what forgets it. */
  onStop(callback: (reason: DOMException) => void): () => void {
    if (this.#stopReason) callback(this.#stopReason);
    else this.#onStop.add(callback);
    return () => this.#onStop.delete(callback);
  }

  /** Resolves when `work` is done, or is to be left behind. Rejects as it does. */
  untilLeft(work: Promise<unknown>): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isLeft) resolve();
      const leave = (): void => resolve();
      this.#onLeave.add(leave);
      work.then(leave, reject).finally(() => this.#onLeave.delete(leave));
    });
  }

  /** Cancels the timers. */
  dispose(): void {
    for (const cancel of this.#cancels) cancel();
  }

  #stop(text: string): void {
    if (this.#stopReason) return;
    this.#stopReason = new DOMException(text, "AbortError");
    for (const callback of [...this.#onStop]) callback(this.#stopReason);
  }

  #leave(): void {
    this.#isLeft = true;
    for (const leave of [...this.#onLeave]) leave();
  }
}
