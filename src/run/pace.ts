import * as limits from "../limits.ts";

/** Measures how long messages take, and tells how many more fit into the time left. Pure arithmetic. */
export class Pace {
  /** Time of a batch divided by its messages, ms: less than a handler takes where handlers run side by side. */
  #msPerMessage: number | undefined;
  /** Time one handler takes, ms. */
  #handlerMs = 0;

  /** `paceUs`: how long a message took in an earlier run, µs. */
  constructor(paceUs?: number) {
    if (paceUs !== undefined) this.#msPerMessage = paceUs / 1_000;
  }

  /** How long a message takes, µs; undefined before the first batch. */
  get paceUs(): number | undefined {
    if (this.#msPerMessage === undefined) return undefined;
    return Math.min(limits.paceUsMax, Math.max(0, Math.round(this.#msPerMessage * 1_000)));
  }

  /** Notes a batch: how many messages ran, how many handlers at once, and how long it all took. */
  note(count: number, concurrency: number, elapsedMs: number): void {
    if (count === 0) return;
    const msPerMessage = elapsedMs / count;
    const handlerMs = (elapsedMs * Math.min(concurrency, count)) / count;
    // The newest batch weighs half: handlers slow down sooner than they speed up.
    this.#msPerMessage =
      this.#msPerMessage === undefined ? msPerMessage : (this.#msPerMessage + msPerMessage) / 2;
    this.#handlerMs = Math.max(handlerMs, (this.#handlerMs + handlerMs) / 2);
  }

  /** How many messages fit into the time left; infinite before the first batch. */
  countThatFits(leftMs: number): number {
    if (leftMs <= 0 || leftMs < this.#handlerMs) return 0;
    if (this.#msPerMessage === undefined || this.#msPerMessage === 0) return Number.POSITIVE_INFINITY;
    return Math.max(1, Math.floor(leftMs / this.#msPerMessage));
  }
}
