import type { Clock } from "./clock.ts";

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
 */
export class Stopper {
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #stopAt: number;
  readonly #leave: () => void;
  readonly #cancels: (() => void)[] = [];
  /** Resolves when handlers that still run are to be left behind. */
  readonly left: Promise<void>;
  /** Whether the caller aborted, rather than time ending. */
  wasAborted = false;

  constructor(clock: Clock, deadline: RunDeadline, outside: AbortSignal | undefined) {
    this.#clock = clock;
    this.#stopAt = deadline.stopAt;
    let leave: () => void = () => undefined;
    this.left = new Promise((resolve) => {
      leave = resolve;
    });
    this.#leave = leave;
    const now = clock.now();
    this.#cancels.push(
      clock.after(deadline.stopAt - now, () => this.#stop("The drain's time budget ended.")),
    );
    this.#cancels.push(clock.after(deadline.leaveAt - now, this.#leave));
    if (outside) {
      const graceMs = deadline.leaveAt - deadline.stopAt;
      const abort = (): void => {
        this.wasAborted = true;
        this.#stop("The drain was aborted.");
        this.#cancels.push(clock.after(graceMs, this.#leave));
      };
      if (outside.aborted) abort();
      else {
        outside.addEventListener("abort", abort, { once: true });
        this.#cancels.push(() => outside.removeEventListener("abort", abort));
      }
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isStopped(): boolean {
    return this.#controller.signal.aborted || this.#clock.now() >= this.#stopAt;
  }

  /** Time left until the stop, ms, never below 0. */
  remainingMs(): number {
    return this.#controller.signal.aborted ? 0 : Math.max(0, this.#stopAt - this.#clock.now());
  }

  /** Cancels the timers. */
  dispose(): void {
    for (const cancel of this.#cancels) cancel();
  }

  #stop(reason: string): void {
    this.#controller.abort(new DOMException(reason, "AbortError"));
  }
}
