import type { Clock } from "../clock.ts";
import { whenSettled } from "../handling/guest.ts";

/** Calls listeners, sync or async. What they throw or reject with does no harm. */
export class Hooks {
  /** The calls that still run. Each is forgotten when it is done, for a run may make very many. */
  readonly #running = new Set<Promise<void>>();

  tell<Told>(hook: (told: Told) => unknown, told: Told): void {
    try {
      const answer = hook(told);
      if (typeof answer !== "object" || answer === null) return;
      const running: Promise<void> = whenSettled(answer).then(() => {
        this.#running.delete(running);
      });
      this.#running.add(running);
    } catch (error) {
      // A listener's error does not matter here. What was thrown may be a promise.
      void whenSettled(error);
    }
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Waits for all calls, at most `ms`. */
  async settledWithin(ms: number, clock: Clock): Promise<void> {
    if (this.#running.size === 0) return;
    let cancel: () => void = () => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(Math.max(0, ms), resolve);
    });
    await Promise.race([this.settled(), late]);
    cancel();
  }
}
