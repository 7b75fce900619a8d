import type { DrainStats } from "../broker/broker.ts";

/** The stats of several lists together. */
export function sumOfStats(all: readonly DrainStats[]): DrainStats {
  const sum = (of: (stats: DrainStats) => number): number => all.reduce((total, one) => total + of(one), 0);
  const due = all.map(({ nextDueAt }) => nextDueAt).filter((one) => one !== null);
  const braked = all.flatMap(({ brakedUntil }) => brakedUntil ?? []);
  return {
    list: sum((one) => one.list),
    working: sum((one) => one.working),
    leases: sum((one) => one.leases),
    delayed: sum((one) => one.delayed),
    dead: sum((one) => one.dead),
    parked: sum((one) => one.parked),
    parkedKeys: sum((one) => one.parkedKeys),
    nextDueAt: due.length > 0 ? Math.min(...due) : null,
    brakedUntil: braked.length > 0 && braked.length === all.length ? Math.min(...braked) : null,
    paused: all.every((one) => one.paused),
  };
}
