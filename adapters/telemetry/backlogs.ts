import type { DrainReport } from "../../src/index.ts";
import type { WatchedRun } from "../../src/internals.ts";
import type { Instruments } from "./instruments.ts";

/** Lists that are remembered of one whole, at most. */
const leftMax = 1_000;

/** A run, and the lists that it has told of. */
interface Run {
  readonly whole: string;
  readonly told: Set<string>;
}

/**
 * Tells the backlog of lists, so that none keeps an old value: a run of several lists, or shards, has no run of those that its
 * common look finds empty, though an earlier run left messages there which others have taken.
 */
export class Backlogs {
  readonly #instruments: Instruments;
  /** By their whole, the lists of which more than none was told last. */
  readonly #left = new Map<string, Set<string>>();
  /** Those at work, by their chain. */
  readonly #runs = new Map<string, Run>();

  constructor(instruments: Instruments) {
    this.#instruments = instruments;
  }

  tell(chainId: string, list: string, count: number): void {
    const run = this.#runs.get(chainId);
    run?.told.add(list);
    const left = run && this.#leftBy(run.whole);
    if (count === 0) left?.delete(list);
    else if (left && left.size < leftMax) left.add(list);
    this.#instruments.backlog(list, count);
  }

  async around<Report extends DrainReport>(
    { list: whole, chain }: WatchedRun,
    run: () => Promise<Report>,
  ): Promise<Report> {
    const own: Run = { whole, told: new Set() };
    this.#runs.set(chain.id, own);
    try {
      const report = await run();
      // Then it has seen all lists, and what it did not tell of is empty.
      if (report.remaining !== null)
        for (const list of this.#leftBy(whole)) if (!own.told.has(list)) this.tell(chain.id, list, 0);
      return report;
    } finally {
      this.#runs.delete(chain.id);
    }
  }

  #leftBy(whole: string): Set<string> {
    const left = this.#left.get(whole) ?? new Set();
    this.#left.set(whole, left);
    return left;
  }
}
