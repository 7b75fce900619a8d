import type { TurnResult } from "../broker/broker.ts";
import type { ChainPosition } from "../chain/hop.ts";
import type { Outcome } from "../handling/outcome.ts";
import { shareOf } from "../handling/retry-policy.ts";
import * as limits from "../limits.ts";
import { checkOptions, integer, type Kinds } from "../options/option-kinds.ts";
import type { Pace } from "../run/pace.ts";
import type { ReportBuilder, StopReason } from "../run/report.ts";
import type { RunParts } from "../run/run-parts.ts";
import { ChainStarter } from "./chain-starter.ts";
import {
  branchesWanted,
  drainsWanted,
  helpersWanted,
  isBeginning,
  isSurplus,
  type Outlook,
  slotOf,
} from "./scale.ts";

export interface ScaleOutOptions {
  /** The list is to be empty within this time, ms, from 1 to 86,400,000. Default: 2,000. */
  readonly withinMs?: number;
}

/** How a drain starts others beside it, as `scaleOut` makes it. */
export interface ScaleOut {
  (run: RunParts, pace: Pace, report: ReportBuilder): Scaler;
  readonly withinMs: number;
}

/** Starts other drains for one run. */
export interface Scaler {
  /** Whether the next request is to count what the list holds. */
  counts(): boolean;
  /** Looks at a reply, and starts the drains that are wanted while the handlers run. Never throws. */
  note(result: TurnResult): void;
  /** Looks at the outcomes of a batch that still runs: slow messages show how long they take before it ends. */
  guess(outcomes: readonly Outcome[], elapsedMs: number): void;
  /** Waits until all is started, and resolves with whether this chain ends here because the others suffice. Never rejects. */
  ended(stopped: StopReason): Promise<boolean>;
}

const kinds = {
  withinMs: integer({ min: 1, max: 86_400_000, default: 2_000 }),
} satisfies Kinds<ScaleOutOptions>;

/**
 * For the option `scaleOut`: drains start others, up to the list's `maxConcurrency`, while they cannot empty the list within
 * `withinMs`, and end their chains when more than twice as many live as are needed. Each starts at most four, which start four
 * each, and so on. A drain that has started others starts no more until all that are wanted live, or a second has passed. It
 * costs a command for each such wave, and one a second. Workers ship it only where it is given. Throws `OptionError` for bad
 * options.
 */
export function scaleOut(options: ScaleOutOptions = {}): ScaleOut {
  const { withinMs } = checkOptions(kinds, options);
  const make = (run: RunParts, pace: Pace, report: ReportBuilder): Scaler =>
    new WaveScaler(run, pace, report, withinMs);
  return Object.assign(make, { withinMs });
}

/** When a drain decides again: a second after the last time, or as soon as all drains that were wanted live. */
export class Waves {
  /** Until it has decided once. */
  #begun: ChainPosition | undefined;
  #nextAt = Number.NEGATIVE_INFINITY;
  #awaited = Number.POSITIVE_INFINITY;

  constructor(chain: ChainPosition) {
    this.#begun = chain;
  }

  isDue(now: number): boolean {
    return now >= this.#nextAt;
  }

  /** Once all drains that were wanted live, the next decision need not wait. */
  noteLive(live: number): void {
    if (live >= this.#awaited) this.#nextAt = Number.NEGATIVE_INFINITY;
  }

  putOff(now: number): void {
    this.#nextAt = now + limits.waveMs;
  }

  /** Decides now, and returns how many drains to start. */
  decide(outlook: Outlook, now: number): number {
    const begun = this.#begun;
    this.#begun = undefined;
    let count = helpersWanted(outlook);
    if (begun && isBeginning(begun)) count = branchesWanted(outlook, slotOf(begun.id));
    // Of ticks that come at once, none sees whom the others have started: at first all but one leave it to them.
    else if (begun?.hop === 0 && outlook.rank > 0) count = 0;
    this.putOff(now);
    const wanted = drainsWanted(outlook);
    this.#awaited = wanted > outlook.live ? wanted : Number.POSITIVE_INFINITY;
    return count;
  }
}

class WaveScaler implements Scaler {
  readonly #run: RunParts;
  readonly #pace: Pace;
  readonly #report: ReportBuilder;
  readonly #withinMs: number;
  readonly #starter: ChainStarter;
  readonly #waves: Waves;
  #seen: Pick<Outlook, "remaining" | "live" | "rank"> | undefined;
  #outlook: Outlook | undefined;

  constructor(run: RunParts, pace: Pace, report: ReportBuilder, withinMs: number) {
    this.#run = run;
    this.#pace = pace;
    this.#report = report;
    this.#withinMs = withinMs;
    const { processor, maxConcurrency, deadline } = run;
    this.#waves = new Waves(run.chain);
    this.#starter = new ChainStarter({
      ...run,
      list: processor.list,
      chainsMax: maxConcurrency,
      endAt: deadline.endAt,
      random: () => shareOf(processor.policy),
      told: report,
    });
  }

  counts(): boolean {
    return !this.#seen || (this.#pace.paceUs !== undefined && this.#waves.isDue(this.#run.clock.now()));
  }

  note({ remaining, others, batch }: TurnResult): void {
    if (!others) return;
    const live = others.count + 1;
    this.#waves.noteLive(live);
    if (remaining === null) return;
    this.#seen = { remaining, live, rank: others.before };
    this.#look(msPerMessageOf(this.#run, this.#pace, this.#report), batch !== null);
  }

  guess(outcomes: readonly Outcome[], elapsedMs: number): void {
    if (this.#outlook) return;
    this.#look(guessOf(outcomes, elapsedMs, this.#run.processor.concurrency), true);
  }

  async ended(stopped: StopReason): Promise<boolean> {
    await this.#starter.settled();
    const { remaining } = this.#report;
    if (stopped !== "budget" || !this.#outlook || !remaining || !isSurplus(this.#outlook)) return false;
    this.#report.declined = surplusText;
    return true;
  }

  #look(msPerMessage: number | undefined, hasBatch: boolean): void {
    const { maxConcurrency, clock, stopper } = this.#run;
    if (!this.#seen) return;
    if (msPerMessage === undefined) {
      // All messages fail so far: then the list is counted only once a second.
      if (this.#pace.paceUs !== undefined) this.#waves.putOff(clock.now());
      return;
    }
    this.#outlook = { ...this.#seen, maxConcurrency, msPerMessage, withinMs: this.#withinMs };
    if (!hasBatch || stopper.isStopped || !this.#waves.isDue(clock.now())) return;
    const count = this.#waves.decide(this.#outlook, clock.now());
    if (count > 0) this.#starter.start(count, this.#outlook);
  }
}

export const surplusText = "The other live drains are enough for what remains.";

/** How much of the drain's time a message takes, ms; undefined where that is not known yet. */
export function msPerMessageOf(
  { chain, clock, startedAt }: Pick<RunParts, "chain" | "clock" | "startedAt">,
  { paceUs }: Pace,
  { progressCount }: ReportBuilder,
): number | undefined {
  // A drain without progress starts no other, unless the one before it in its chain had progress.
  if (paceUs === undefined || (progressCount === 0 && chain.paceUs === undefined)) return undefined;
  // Where many messages have been handled, the time between batches counts too: round trips, and CPU time, during which the
  // clocks of some runtimes stand still.
  const measured = progressCount >= limits.batchCountMax ? (clock.now() - startedAt) / progressCount : 0;
  return Math.max(paceUs / 1_000, measured);
}

/**
 * How much of the drain's time a message seems to take, ms, from a batch that still runs; undefined before one message is done
 * or too little time has passed. The quickest messages are done first, so the true time is rather longer.
 */
export function guessOf(
  outcomes: readonly Outcome[],
  elapsedMs: number,
  concurrency: number,
): number | undefined {
  if (elapsedMs < limits.firstBatchMs) return undefined;
  const doneCount = outcomes.filter(({ kind }) => kind === "ack").length;
  return doneCount > 0 ? elapsedMs / Math.max(doneCount, Math.min(concurrency, outcomes.length)) : undefined;
}
