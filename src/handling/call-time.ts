import type { Clock } from "../clock.ts";
import { HandlerTimeoutError } from "../errors.ts";
import type { LeaseWatch } from "../run/lease-watch.ts";

/** The time of one call into user code: `handlerTimeoutMs` from now, if it is set, and never past the stop of its batch. */
export class CallTime {
  readonly #watch: LeaseWatch;
  readonly #clock: Clock;
  readonly #timeoutMs: number | undefined;
  readonly #endsAt: number;
  #controller: AbortController | undefined;
  /** Set once the time is over. */
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
   * Waits for user code, `until` the time is over or, for code that gets no signal, until the stop of its batch. Rejects with
   * what the code throws, or with the reason why the waiting ended.
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
    // Where the code throws at once, nobody waits for `over`.
    over.catch(() => undefined);
    try {
      return await Promise.race([run(), over]);
    } finally {
      for (const cancel of cancels) cancel();
    }
  }
}
