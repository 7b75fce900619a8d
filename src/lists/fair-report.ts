import type { Ending } from "../chain/continuation.ts";
import * as limits from "../limits.ts";
import type { FailureCount } from "../run/failures.ts";
import type { DrainReport, StopReason } from "../run/report.ts";
import type { FairRun, Slice } from "./fair-run.ts";

/** What one run of several lists did: the sums, and a report for each list. */
export interface ListsReport extends DrainReport {
  /** The report of each list that was drained. The others had nothing to do, or did not get a turn. */
  readonly lists: Readonly<Record<string, DrainReport>>;
}

/** What was spent on looks, besides the slices. */
export interface Spent {
  readonly requests: number;
  readonly commands: number;
  readonly elapsedMs: number;
}

/** Why the whole run stopped where its time did not run out: the first of these that any list has. A slice's `limit` is not one. */
const reasons: readonly StopReason[] = ["error", "rate-limited", "braked", "held", "empty", "paused", "busy"];
/** After these reasons, a timer may go on when the next message is due. */
const timed: readonly StopReason[] = ["empty", "braked", "rate-limited", "held"];

export function reportOf(run: FairRun, spent: Spent): ListsReport {
  const merged = new Map(
    [...run.slices].map(([name, slices]) => [name, sumOf(slices.map(({ report }) => report))] as const),
  );
  const all = [...merged.values()];
  const sum = sumOf(all);
  return {
    ...sum,
    remaining: run.isAllSeen ? sumOrNull(all.map(({ remaining }) => remaining)) : null,
    nextDueAt: earliest(all.map(({ nextDueAt }) => nextDueAt)),
    stopped: run.stopped ?? reasons.find((one) => all.some(({ stopped }) => stopped === one)) ?? "empty",
    continuedWith: null,
    declined: null,
    requests: sum.requests + spent.requests,
    commands: sum.commands + spent.commands,
    elapsedMs: spent.elapsedMs,
    error: run.error,
    lists: Object.fromEntries(merged),
  };
}

/** How the whole run has ended, as far as its chain is concerned. */
export function endingOf(run: FairRun, { stopped, remaining }: DrainReport): Ending {
  const endings = [...run.slices.values()].flat().map(({ ending }) => ending);
  const last = [...run.slices.values()].map((slices) => (slices.at(-1) as Slice).ending);
  const waiting = last.filter((one) => timed.includes(one.stopped) || one.remaining === 0);
  const leftUntil = earliest(endings.map((one) => one.leftUntil));
  const hasTimer = waiting.some((one) => one.nextDueAt !== null) || leftUntil !== null;
  return {
    stopped: stopped !== "budget" && stopped !== "aborted" && hasTimer ? "empty" : stopped,
    progressCount: total(endings.map((one) => one.progressCount)),
    retriedCount: total(endings.map((one) => one.retriedCount)),
    remaining,
    nextDueAt: earliest(waiting.map((one) => one.nextDueAt)),
    leftUntil,
    redisNow: endings.reduce<number | null>(
      (now, one) => Math.max(now ?? 0, one.redisNow ?? 0) || null,
      null,
    ),
  };
}

/** Counts are summed; what describes a moment is taken from the last report. */
function sumOf(reports: readonly DrainReport[]): DrainReport {
  const sum = (of: (report: DrainReport) => number): number => total(reports.map(of));
  const last = reports.at(-1);
  return {
    claimed: sum((one) => one.claimed),
    acked: sum((one) => one.acked),
    retried: sum((one) => one.retried),
    deadLettered: sum((one) => one.deadLettered),
    released: sum((one) => one.released),
    lostLease: sum((one) => one.lostLease),
    unsettled: sum((one) => one.unsettled),
    leftBehind: sum((one) => one.leftBehind),
    recovered: sum((one) => one.recovered),
    finished: sum((one) => one.finished),
    remaining: last ? last.remaining : 0,
    oldestMs: oldest(reports.map((one) => one.oldestMs)),
    nextDueAt: last?.nextDueAt ?? null,
    stopped: last?.stopped ?? "empty",
    continuedWith: null,
    declined: null,
    started: sum((one) => one.started),
    requests: sum((one) => one.requests),
    commands: sum((one) => one.commands),
    elapsedMs: sum((one) => one.elapsedMs),
    failures: failuresOf(reports),
    error: reports.find(({ error }) => error !== null)?.error ?? null,
  };
}

/** The last few different failures, the newest first. */
function failuresOf(reports: readonly DrainReport[]): readonly FailureCount[] {
  const sums = new Map<string, FailureCount>();
  for (const failure of [...reports].reverse().flatMap(({ failures }) => failures)) {
    const key = `${failure.name}\n${failure.message}`;
    sums.set(key, { ...failure, count: failure.count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()].slice(0, limits.failureCountMax);
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function sumOrNull(counts: readonly (number | null)[]): number | null {
  return counts.includes(null) ? null : total(counts as readonly number[]);
}

function oldest(ages: readonly (number | null)[]): number | null {
  const known = ages.filter((one) => one !== null);
  return known.length > 0 ? Math.max(...known) : null;
}

function earliest(moments: readonly (number | null)[]): number | null {
  const known = moments.filter((one) => one !== null);
  return known.length > 0 ? Math.min(...known) : null;
}
