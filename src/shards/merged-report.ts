import { limits } from "../limits.ts";
import type { DrainReport, StopReason } from "../report.ts";

/** Why a drain of several lists stopped: the first of these that one of them stopped for. */
const reasons: readonly StopReason[] = [
  "error",
  "aborted",
  "limit",
  "budget",
  "paused",
  "rate-limited",
  "braked",
  "busy",
  "empty",
];

const counts = [
  "claimed",
  "acked",
  "retried",
  "deadLettered",
  "released",
  "lostLease",
  "unsettled",
  "recovered",
  "finished",
  "requests",
  "commands",
] as const satisfies (keyof DrainReport)[];

/**
 * One report of what was done in several lists. `last` is what each list's last run said: why it stopped, and what is due.
 */
export function mergedReport(
  reports: readonly DrainReport[],
  last: readonly DrainReport[],
  own: Partial<DrainReport> & Pick<DrainReport, "remaining" | "elapsedMs">,
): DrainReport {
  const sums = Object.fromEntries(
    counts.map((name) => [name, reports.reduce((sum, report) => sum + report[name], 0)]),
  ) as Pick<DrainReport, (typeof counts)[number]>;
  const due = last.flatMap(({ nextDueAt }) => nextDueAt ?? []);
  const stops = new Set(last.map(({ stopped }) => stopped));
  return {
    ...sums,
    nextDueAt: due.length > 0 ? Math.min(...due) : null,
    stopped: reasons.find((reason) => stops.has(reason)) ?? "empty",
    continuedWith: null,
    declined: null,
    failures: mergedFailures(reports),
    error: last.find(({ error }) => error)?.error ?? null,
    ...own,
  };
}

/** The newest few, each counted over all. */
function mergedFailures(reports: readonly DrainReport[]): DrainReport["failures"] {
  const found = new Map<string, DrainReport["failures"][number]>();
  for (const failure of [...reports].reverse().flatMap(({ failures }) => failures)) {
    const key = `${failure.name}\n${failure.message}`;
    found.set(key, { ...failure, count: failure.count + (found.get(key)?.count ?? 0) });
  }
  return [...found.values()].slice(0, limits.failureCountMax);
}
