import { visible } from "./safe-text.ts";

/** How often it is drawn anew at most, ms. */
const drawnMs = 100;

/** One line on the terminal that changes while something goes on; nothing elsewhere. */
export class ProgressLine {
  readonly #isShown: boolean;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(isShown: boolean) {
    this.#isShown = isShown;
  }

  /** Draws what `line` gives, unless it was drawn a moment ago. */
  show(line: () => string): void {
    const now = performance.now();
    if (!this.#isShown || now - this.#drawnAt < drawnMs) return;
    this.#drawnAt = now;
    const width = process.stdout.columns || 80;
    process.stdout.write(`\r\u001b[K${visible(line()).slice(0, width - 1)}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#drawnAt !== Number.NEGATIVE_INFINITY) process.stdout.write("\r\u001b[K");
    this.#drawnAt = Number.NEGATIVE_INFINITY;
  }
}
