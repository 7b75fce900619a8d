import { asError } from "../guest.ts";
import type { ChainPosition } from "../hop.ts";
import type { ListKeys } from "../keys.ts";
import type { DrainReport, StopReason } from "../report.ts";
import { shareOf } from "../retry-policy.ts";
import type { CheckedRunOptions, RunOptions } from "../run-options.ts";
import type { RunnerParts } from "../runner.ts";
import { Sender } from "../sender.ts";
import { mergedReport } from "./merged-report.ts";
import type { NextDrainOfAll } from "./next-drain.ts";
import type { Visits } from "./visits.ts";

/** A list is given no less of the budget than this, ms. Reason: less is spent on beginning and ending. */
const sliceMsMin = 1_000;
/** `maxRequests` lets no run have fewer. */
const requestsMin = 10;

export interface ShardedRunParts {
  readonly settings: RunnerParts["settings"];
  /** A key of the list, for what names none. */
  readonly near: string;
  readonly visits: Visits;
  readonly next: NextDrainOfAll | undefined;
  /** Which of the lists, from 0, comes first. */
  readonly place: number;
  /** The lists to visit. Throws where the registry says another count. */
  lists(sender: Sender): Promise<readonly ListKeys[]>;
  run(list: string, options: RunOptions): Promise<DrainReport>;
}

/**
 * One run over all lists: it looks where there is work, drains each of those in turn within its share of what is left of the
 * budget, and looks again, until there is none or the budget ends. What happens in one list keeps it from no other.
 */
export async function runShards(parts: ShardedRunParts, options: CheckedRunOptions): Promise<DrainReport> {
  return new ShardedRun(parts, options).toReport();
}

class ShardedRun {
  readonly #parts: ShardedRunParts;
  readonly #options: CheckedRunOptions;
  readonly #sender: Sender;
  readonly #startedAt: number;
  readonly #endAt: number;
  readonly #runId: string;
  readonly #chain: ChainPosition;
  readonly #reports: DrainReport[] = [];
  /** Each list's last report. */
  readonly #last = new Map<string, DrainReport>();
  /** Whether lists with work were not visited, for want of time. */
  #isCutShort = false;

  constructor(parts: ShardedRunParts, options: CheckedRunOptions) {
    const { redis: client, clock, requestTimeoutMs, randomId } = parts.settings;
    this.#parts = parts;
    this.#options = options;
    this.#startedAt = clock.now();
    this.#endAt = this.#startedAt + options.budgetMs;
    this.#runId = randomId();
    this.#chain = options.chain ?? { id: this.#runId, hop: 0 };
    const bounds = { giveUpAt: this.#endAt, requestCountMax: options.maxRequests };
    this.#sender = new Sender({ client, clock, requestTimeoutMs, near: parts.near, ...bounds });
  }

  async toReport(): Promise<DrainReport> {
    const { next } = this.#parts;
    next?.begin(this.#runId);
    try {
      const stopped = await this.#visitAll();
      const onward = await this.#goOn();
      return this.#report({ ...(stopped && { stopped }), ...onward });
    } catch (error) {
      return this.#report({ stopped: "error", error: asError(error) });
    } finally {
      next?.end(this.#runId);
    }
  }

  /** Resolves with why it ended, where that is not what the lists' own reports say. */
  async #visitAll(): Promise<StopReason | undefined> {
    const { visits, place, settings } = this.#parts;
    const { signal } = this.#options;
    if (signal?.aborted) return "aborted";
    let left = await this.#parts.lists(this.#sender);
    for (;;) {
      const open = await visits.open(this.#sender, left);
      if (open.length === 0) return this.#last.size === 0 ? "empty" : undefined;
      const first = open.findIndex((keys) => left.indexOf(keys) >= place % left.length);
      const inTurn = first < 0 ? open : [...open.slice(first), ...open.slice(0, first)];
      for (const [at, { name }] of inTurn.entries()) {
        const leftMs = this.#endAt - settings.clock.now();
        const shareMs = Math.max(sliceMsMin, leftMs / (inTurn.length - at));
        const stop = this.#stopBefore(leftMs);
        if (stop) {
          this.#isCutShort = stop === "budget";
          return stop;
        }
        await this.#visit(name, Math.max(1, Math.ceil(Math.min(leftMs, shareMs))));
      }
      // One that gave nothing, or is not to be gone on with, is done with for this run.
      left = left.filter(({ name }) => mayHaveMore(this.#last.get(name)));
    }
  }

  #stopBefore(leftMs: number): StopReason | undefined {
    const { signal, maxMessages, maxRequests } = this.#options;
    if (signal?.aborted) return "aborted";
    if (this.#sum("claimed") >= maxMessages) return "limit";
    const isSpent = this.#sum("requests") + this.#sender.meter.requests + requestsMin > maxRequests;
    return this.#last.size > 0 && (leftMs < sliceMsMin || isSpent) ? "budget" : undefined;
  }

  async #visit(name: string, budgetMs: number): Promise<void> {
    const { next, run } = this.#parts;
    const { maxMessages, maxRequests, requestsPerMessage, signal, abortMs } = this.#options;
    next?.forget(this.#runId, name);
    const requestsLeft = maxRequests - this.#sum("requests") - this.#sender.meter.requests;
    const report = await run(name, {
      budgetMs,
      requestsPerMessage,
      chain: { ...this.#chain, id: this.#runId },
      ...(Number.isFinite(maxMessages) && { maxMessages: maxMessages - this.#sum("claimed") }),
      ...(Number.isFinite(maxRequests) && { maxRequests: Math.max(requestsMin, requestsLeft) }),
      ...(signal && { signal }),
      ...(abortMs !== undefined && { abortMs }),
    });
    this.#reports.push(report);
    this.#last.set(name, report);
  }

  async #goOn(): Promise<Partial<DrainReport>> {
    const { next, settings } = this.#parts;
    if (!next) return {};
    const { list, clock, randomId, maxConcurrency, maxAttempts, retryDelay, random } = settings;
    const hasAchieved = this.#sum("acked") + this.#sum("deadLettered") > 0;
    try {
      return await next.goOn(this.#runId, this.#isCutShort && hasAchieved, {
        list,
        chain: this.#chain,
        maxConcurrency,
        endAt: this.#endAt,
        clock,
        random: () => shareOf({ maxAttempts, retryDelay, random }),
        randomId,
      });
    } catch (error) {
      return { error: asError(error) };
    }
  }

  #report(own: Partial<DrainReport>): DrainReport {
    const last = [...this.#last.values()];
    const lengths = last.map(({ remaining }) => remaining);
    const isKnown = !this.#isCutShort && own.stopped !== "error" && !lengths.includes(null);
    const merged = mergedReport(this.#reports, last, {
      ...own,
      remaining: isKnown ? lengths.reduce<number>((sum, length) => sum + (length ?? 0), 0) : null,
      elapsedMs: this.#parts.settings.clock.now() - this.#startedAt,
    });
    const { requests, commands } = this.#sender.meter;
    return { ...merged, requests: merged.requests + requests, commands: merged.commands + commands };
  }

  #sum(name: "claimed" | "requests" | "acked" | "deadLettered"): number {
    return this.#reports.reduce((sum, report) => sum + report[name], 0);
  }
}

function mayHaveMore(last: DrainReport | undefined): boolean {
  return last === undefined || (last.claimed > 0 && (last.stopped === "empty" || last.stopped === "budget"));
}
