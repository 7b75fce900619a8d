import type { Clock } from "../clock.ts";
import { whenSettled } from "../handling/guest.ts";

/** Calls those who want to be told of something. They may be sync or async, and cannot harm what they are told of. */
export class Hooks {
  /** What is still at work; one that is done is forgotten, for a run may tell of very many things. */
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
      // It has been told. What was thrown may be a promise.
      void whenSettled(error);
    }
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** The same, and no longer than that. */
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
