import type { TurnResult } from "./broker.ts";
import { startChain } from "./continuation.ts";
import { describe } from "./guest.ts";
import * as limits from "./limits.ts";
import { checkOptions, integer, type Kinds } from "./option-kinds.ts";
import type { Pace } from "./pace.ts";
import type { ReportBuilder, StopReason } from "./report.ts";
import { shareOf } from "./retry-policy.ts";
import type { RunParts } from "./run-parts.ts";
import { helperId, helpersWanted, isSurplus, type Outlook, slotOf, slotsToStart, waveOf } from "./scale.ts";

export interface ScaleOutOptions {
  /** How soon the list is to be empty, ms, from 1 to 86,400,000. Default: 2,000. */
  readonly withinMs?: number;
}

/** How a drain starts others beside it: what `scaleOut` makes. */
export type ScaleOut = (run: RunParts, pace: Pace, report: ReportBuilder) => Scaler;

/** What starts others for one run. */
export interface Scaler {
  /** Whether the next request is to count what the list holds. */
  counts(): boolean;
  /** Looks at a reply, and starts what is wanted beside the handlers. Never throws. */
  note(result: TurnResult): void;
  /** Resolves, when all is told, with whether the chain ends here since others suffice. Never rejects. */
  ended(stopped: StopReason): Promise<boolean>;
}

const kinds = {
  withinMs: integer({ min: 1, max: 86_400_000, default: 2_000 }),
} satisfies Kinds<ScaleOutOptions>;

/**
 * Makes the drains of a list start others, up to its `maxConcurrency`, while they cannot empty it within `withinMs`; and
 * end their chains when those that live are more than twice enough. Each starts two at most, which start two each, and so on; a
 * wave waits for the one before, a second at most. It costs a command a wave, and one a second. For the option `scaleOut`; Workers ship it only where it is given. Throws
 * `OptionError` for bad options.
 */
export function scaleOut(options: ScaleOutOptions = {}): ScaleOut {
  const { withinMs } = checkOptions(kinds, options);
  return (run, pace, report) => new WaveScaler(run, pace, report, withinMs);
}

class WaveScaler implements Scaler {
  readonly #run: RunParts;
  readonly #pace: Pace;
  readonly #report: ReportBuilder;
  readonly #withinMs: number;
  readonly #starting: Promise<void>[] = [];
  #outlook: Outlook | null = null;
  #nextAt = Number.NEGATIVE_INFINITY;
  /** Live drains once those have come that were started together. */
  #awaited = Number.POSITIVE_INFINITY;
  #asked = 0;

  constructor(run: RunParts, pace: Pace, report: ReportBuilder, withinMs: number) {
    this.#run = run;
    this.#pace = pace;
    this.#report = report;
    this.#withinMs = withinMs;
  }

  counts(): boolean {
    return this.#pace.paceUs !== undefined && this.#run.clock.now() >= this.#nextAt;
  }

  note({ remaining, others, batch }: TurnResult): void {
    const { maxConcurrency, clock, stopper } = this.#run;
    if (!others) return;
    const live = others.count + 1;
    // The whole wave has come: the next one need not wait.
    if (live >= this.#awaited) this.#nextAt = Number.NEGATIVE_INFINITY;
    if (remaining === null) return;
    const mayStart = batch !== null && !stopper.isStopped && clock.now() >= this.#nextAt;
    if (mayStart) this.#nextAt = clock.now() + limits.waveMs;
    const msPerMessage = this.#msPerMessage();
    if (msPerMessage === undefined) return;
    const withinMs = this.#withinMs;
    const outlook = { remaining, live, rank: others.before, maxConcurrency, msPerMessage, withinMs };
    this.#outlook = outlook;
    if (!mayStart) return;
    this.#awaited = live + (waveOf(outlook) || Number.POSITIVE_INFINITY);
    const count = helpersWanted(outlook);
    if (count > 0) this.#start(count);
  }

  async ended(stopped: StopReason): Promise<boolean> {
    await Promise.all(this.#starting);
    const { remaining } = this.#report;
    if (stopped !== "budget" || !this.#outlook || !remaining || !isSurplus(this.#outlook)) return false;
    this.#report.declined = "The other live drains are enough for what remains.";
    return true;
  }

  #msPerMessage(): number | undefined {
    const { paceUs } = this.#pace;
    const { progressCount } = this.#report;
    // A drain that has achieved nothing starts no other, unless the one before it has.
    if (paceUs === undefined || (progressCount === 0 && this.#run.chain.paceUs === undefined))
      return undefined;
    // Where many have been handled, the round trips between them count too, and CPU time, of which some clocks tell nothing.
    const elapsedMs = this.#run.clock.now() - this.#run.startedAt;
    const measured = progressCount >= limits.batchCountMax ? elapsedMs / progressCount : 0;
    return Math.max(paceUs / 1_000, measured);
  }

  #start(count: number): void {
    const { chain, maxConcurrency, randomId, processor, continuation, deadline, clock } = this.#run;
    const { maxHops = limits.hopMax } = continuation ?? {};
    const hop = chain.hop + 1;
    if (!continuation || !(hop <= maxHops)) return;
    const onward = {
      clock,
      random: () => shareOf(processor.policy),
      randomId,
      endAt: Math.min(deadline.endAt, clock.now() + limits.waveMs),
    };
    for (const slot of slotsToStart(slotOf(chain.id), count, this.#asked, maxConcurrency)) {
      const place = { id: helperId(chain.id, randomId(), slot), hop, paceUs: this.#pace.paceUs };
      this.#starting.push(
        this.#told(startChain(continuation, { list: processor.list, chain: place }, onward)),
      );
    }
    this.#asked += count;
  }

  /** A helper that could not be started is no failure of this drain: the next wave tries again, or the next tick. */
  async #told(starting: ReturnType<typeof startChain>): Promise<void> {
    try {
      const said = await starting;
      if (said === "continued") this.#report.started += 1;
      else this.#report.declined = `No other drain was started: ${said.declined}`;
    } catch (error) {
      this.#report.declined = `No other drain was started: ${describe(error).message}`;
    }
  }
}
