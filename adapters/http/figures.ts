import type { DrainReport } from "../../src/index.ts";

/**
 * A report as figures by name, the same on every platform: counts and, where the name ends so, ms. What is not known is left out,
 * for a zero would calm an alarm.
 */
export function figuresOf(report: DrainReport): Record<string, number> {
  return {
    Claimed: report.claimed,
    Acked: report.acked,
    Retried: report.retried,
    DeadLettered: report.deadLettered,
    Released: report.released,
    LostLease: report.lostLease,
    Unsettled: report.unsettled,
    LeftBehind: report.leftBehind,
    Recovered: report.recovered,
    ...(report.remaining === null ? {} : { Remaining: report.remaining }),
    ...(report.oldestMs === null ? {} : { OldestMs: report.oldestMs }),
    Failures: report.failures.reduce((sum, { count }) => sum + count, 0),
    Braked: report.stopped === "braked" ? 1 : 0,
    Errors: report.stopped === "error" ? 1 : 0,
    ChainBroken: report.stopped !== "error" && report.error !== null ? 1 : 0,
    Requests: report.requests,
    Commands: report.commands,
    ElapsedMs: report.elapsedMs,
  };
}
