import { visible } from "./safe-text.ts";
import type { Terminal } from "./terminal.ts";

/** How often it is drawn anew at most, ms. */
const drawnMs = 100;

/** One line on the terminal that changes while something goes on; nothing elsewhere. */
export class ProgressLine {
  readonly #terminal: Terminal;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Draws what `line` gives, unless it was drawn a moment ago. */
  show(line: () => string): void {
    const now = performance.now();
    if (!this.#terminal.isWatched || now - this.#drawnAt < drawnMs) return;
    this.#drawnAt = now;
    const width = this.#terminal.host.stdout.columns || 80;
    this.#terminal.host.stdout.write(`\r\u001b[K${visible(line()).slice(0, width - 1)}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#drawnAt !== Number.NEGATIVE_INFINITY) this.#terminal.host.stdout.write("\r\u001b[K");
    this.#drawnAt = Number.NEGATIVE_INFINITY;
  }
}
