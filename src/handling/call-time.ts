import type { Clock } from "../clock.ts";
import { HandlerTimeoutError } from "../errors.ts";
import type { LeaseWatch } from "../run/lease-watch.ts";

/** The time of one call into user code: `handlerTimeoutMs` from now, where that is set, and not past its batch's stop. */
export class CallTime {
  readonly #watch: LeaseWatch;
  readonly #clock: Clock;
  readonly #timeoutMs: number | undefined;
  readonly #endsAt: number;
  #controller: AbortController | undefined;
  /** Why the time is over, once it is. */
  #ended: HandlerTimeoutError | undefined;

  constructor(watch: LeaseWatch, clock: Clock, timeoutMs: number | undefined) {
    this.#watch = watch;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#endsAt = timeoutMs === undefined ? Number.POSITIVE_INFINITY : clock.now() + timeoutMs;
  }

  /** Aborted when the time is over. Made on first use: most handlers never look. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      const controller = new AbortController();
      this.#controller = controller;
      const { signal } = this.#watch;
      const abort = (): void => controller.abort(signal.reason);
      if (this.#ended) controller.abort(this.#ended);
      else if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    }
    return this.#controller.signal;
  }

  remainingMs(): number {
    return Math.max(0, Math.min(this.#watch.remainingMs(), this.#endsAt - this.#clock.now()));
  }

  /**
   * Waits for user code. `until` the time is over; code that is given no signal to hear of it, only until the batch's stop.
   * Rejects with what the code throws, or why there was no waiting any longer.
   */
  async wait<Result>(what: string, until: "time" | "stop", run: () => Result): Promise<Awaited<Result>> {
    const timeoutMs = this.#timeoutMs;
    if (timeoutMs === undefined && until === "time") return await run();
    const cancels: (() => void)[] = [];
    const over = new Promise<never>((_, reject) => {
      if (timeoutMs !== undefined) {
        cancels.push(
          this.#clock.after(this.#endsAt - this.#clock.now(), () => {
            this.#ended = new HandlerTimeoutError(timeoutMs, what);
            this.#controller?.abort(this.#ended);
            reject(this.#ended);
          }),
        );
      }
      if (until === "stop") {
        const { signal } = this.#watch;
        const stop = (): void => reject(signal.reason);
        if (signal.aborted) stop();
        signal.addEventListener("abort", stop);
        cancels.push(() => signal.removeEventListener("abort", stop));
      }
    });
    // Where the code throws at once, nobody waits for the end.
    over.catch(() => undefined);
    try {
      return await Promise.race([run(), over]);
    } finally {
      for (const cancel of cancels) cancel();
    }
  }
}
