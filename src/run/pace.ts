import * as limits from "../limits.ts";

/** How long messages have been taking, and so how many more fit into the time left. Pure arithmetic. */
export class Pace {
  /** Wall time a message takes up, handlers of a batch running side by side, ms. */
  #msPerMessage: number | undefined;
  /** Time one handler takes, ms. */
  #handlerMs = 0;

  /** `paceUs`: what a message has been taking elsewhere, µs. */
  constructor(paceUs?: number) {
    if (paceUs !== undefined) this.#msPerMessage = paceUs / 1_000;
  }

  /** What a message takes, µs; undefined before the first batch has been seen. */
  get paceUs(): number | undefined {
    if (this.#msPerMessage === undefined) return undefined;
    return Math.min(limits.paceUsMax, Math.max(0, Math.round(this.#msPerMessage * 1_000)));
  }

  /** Notes a batch: how many messages ran, on how many handlers at once, in how long. */
  note(count: number, concurrency: number, elapsedMs: number): void {
    if (count === 0) return;
    const msPerMessage = elapsedMs / count;
    const handlerMs = (elapsedMs * Math.min(concurrency, count)) / count;
    // The newest batch weighs half: handlers slow down sooner than they speed up.
    this.#msPerMessage =
      this.#msPerMessage === undefined ? msPerMessage : (this.#msPerMessage + msPerMessage) / 2;
    this.#handlerMs = Math.max(handlerMs, (this.#handlerMs + handlerMs) / 2);
  }

  /** How many messages fit into the time left; infinite before the first batch has been seen. */
  countThatFits(leftMs: number): number {
    if (leftMs <= 0 || leftMs < this.#handlerMs) return 0;
    if (this.#msPerMessage === undefined || this.#msPerMessage === 0) return Number.POSITIVE_INFINITY;
    return Math.max(1, Math.floor(leftMs / this.#msPerMessage));
  }
}
