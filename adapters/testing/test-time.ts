import { type Clock, OptionError } from "../../src/index.ts";
import { show } from "../../src/internals.ts";
import { StalledError } from "./errors.ts";
import { nextTurn, VirtualTime } from "./virtual-time.ts";

/** The time of a test, of the drain and of Redis. Only `drainUntilEmpty` and `advance` move it. */
export interface TestClock extends Clock {
  /** Epoch ms. A test begins at the real time. */
  now(): number;
  /**
   * Lets so many ms pass, from 0 to 31,536,000,000 (a year), without waiting for them. What is due on the way happens, in its order.
   * Resolves when they have passed. In a handler it means that this handler takes that long. Throws `OptionError`.
   */
  advance(ms: number): Promise<void>;
}

/** A call of user code that has not ended. */
export interface Work {
  /** Its name in errors. */
  readonly what: string;
}

const yearMs = 31_536_000_000;
/** How many turns of the event loop user code may take before it is looked at less often. */
const quickTurns = 20;
/** The real ones, taken before a test's fake timers can replace them. */
const { setTimeout: realTimeout, performance } = globalThis;
const realNow = performance.now.bind(performance);

/**
 * Time that passes only where something waits for it. While user code works, time stands still, since how long that takes depends on
 * the machine. When everything only waits (to send again, for the end of a budget), the next of these times comes at once. `advance`
 * lets time pass in any case.
 */
export class TestTime implements TestClock {
  readonly #events: VirtualTime;
  readonly #stallMs: number;
  readonly #works = new Set<Work>();
  readonly #onStall = new Set<(error: StalledError) => void>();
  #advanceCount = 0;
  #isPassing = false;
  /** Counts what happens. */
  #happened = 0;

  constructor(startAt: number, stallMs: number) {
    this.#events = new VirtualTime(startAt);
    this.#stallMs = stallMs;
  }

  now(): number {
    return this.#events.now;
  }

  after(ms: number, callback: () => void): () => void {
    this.#happened += 1;
    return this.#events.after(ms, callback);
  }

  async advance(ms: number): Promise<void> {
    if (!(typeof ms === "number" && ms >= 0 && ms <= yearMs))
      throw new OptionError("ms", `a number from 0 to ${yearMs}`, show(ms));
    this.#advanceCount += 1;
    try {
      await this.pass(new Promise<void>((resolve) => void this.after(ms, resolve)));
    } finally {
      this.#advanceCount -= 1;
    }
  }

  begin(work: Work): void {
    this.#happened += 1;
    this.#works.add(work);
  }

  end(work: Work): void {
    this.#happened += 1;
    this.#works.delete(work);
  }

  /** Lets time pass until a promise settles, and settles like it. Rejects with `StalledError` where it never would. */
  async pass<Result>(done: Promise<Result>): Promise<Result> {
    let onStall: (error: StalledError) => void = () => undefined;
    const stall = new Promise<never>((_, reject) => {
      onStall = reject;
    });
    this.#onStall.add(onStall);
    void this.#passOn();
    try {
      return await Promise.race([done, stall]);
    } finally {
      this.#onStall.delete(onStall);
    }
  }

  /** One loop for all that wait, as long as anything does. */
  async #passOn(): Promise<void> {
    if (this.#isPassing) return;
    this.#isPassing = true;
    let seen = -1;
    let quietSince = 0;
    let turns = 0;
    while (this.#onStall.size > 0) {
      await nextTurn();
      if (this.#onStall.size === 0) break;
      const mayPass = this.#advanceCount > 0 || this.#works.size === 0;
      const hasPassed = mayPass && (await this.#events.step());
      if (hasPassed || seen !== this.#happened) {
        seen = this.#happened;
        quietSince = realNow();
        turns = 0;
      } else if (realNow() - quietSince > this.#stallMs) {
        for (const tell of [...this.#onStall]) tell(this.#stalled());
        this.#onStall.clear();
      } else if (turns++ > quickTurns) await new Promise((resolve) => void realTimeout(resolve, 1));
    }
    this.#isPassing = false;
  }

  #stalled(): StalledError {
    const [first] = this.#works;
    const what = first ? `${first.what} has not ended` : "Nothing has happened";
    return new StalledError(
      `${what} for ${this.#stallMs} ms of real time. The test's time stands still while a handler works, so no time limit ends it: let time pass by clock.advance(ms), in the handler or beside it; or, if it only is slow, give a larger stallMs.`,
    );
  }
}
