import type { Clock } from "../../src/index.ts";

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** The real one, taken before a test's fake timers can replace it. */
const { setImmediate: atNextTurn } = globalThis;

/** Resolves when all promises have settled that can settle without time passing. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    atNextTurn(resolve);
  });
}

/** Time that jumps from one event to the next, so that only its callers decide what happens and in which order. */
export class VirtualTime {
  /** The soonest is last, so that taking it is cheap. */
  readonly #events: Event[] = [];
  #order = 0;
  now: number;
  steps = 0;

  constructor(startAt = 0) {
    this.now = startAt;
  }

  /** Runs a callback after so many ms. Returns a function that cancels it. */
  after(ms: number, run: () => void): () => void {
    const event: Event = { at: this.now + Math.max(0, ms), order: this.#order++, run, isCancelled: false };
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#events[middle] as Event;
      if (other.at > event.at || (other.at === event.at && other.order > event.order)) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
    return () => {
      event.isCancelled = true;
    };
  }

  /** Runs the next event and everything that follows from it at once. Returns whether there was one. */
  async step(): Promise<boolean> {
    let event = this.#events.pop();
    while (event?.isCancelled) event = this.#events.pop();
    if (event === undefined) return false;
    this.now = event.at;
    this.steps += 1;
    event.run();
    await nextTurn();
    return true;
  }

  /** A clock that is wrong by a factor and an offset, and stands still when its process is dead. */
  clock(process: { isDead: boolean; clockRate: number; clockOffset: number }): Clock {
    return {
      now: () => process.clockOffset + this.now * process.clockRate,
      after: (ms, callback) =>
        this.after(ms / process.clockRate, () => {
          if (!process.isDead) callback();
        }),
    };
  }
}
