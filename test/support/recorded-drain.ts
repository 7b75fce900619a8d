import type { Drain, DrainReport, RunOptions } from "../../src/index.ts";

/** What a host needs of a drain: it notes how it was run, and gives one report. `more` stands in place of its parts. */
export function recordedDrain(
  report: DrainReport,
  more: Partial<Drain> = {},
): { drain: Drain; runs: RunOptions[] } {
  const runs: RunOptions[] = [];
  const counts = { list: 1, working: 0, leases: 0, delayed: 0, dead: 0 };
  const drain = {
    list: "mail",
    run: async (options?: RunOptions) => {
      runs.push(options as RunOptions);
      return report;
    },
    stats: async () => ({ ...counts, nextDueAt: null, paused: false, brakedUntil: null }),
    ...more,
  } as Drain;
  return { drain, runs };
}
