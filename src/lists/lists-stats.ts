import type { DrainStats } from "../broker/broker.ts";
import type { Drain } from "../create-drain.ts";
import * as limits from "../limits.ts";

/** The sums over several lists, and each list's own. */
export interface ListsStats extends DrainStats {
  /** Of lists that fit a pattern at most 100 of each pattern, the same ones while none comes or goes. */
  readonly lists: Readonly<Record<string, DrainStats>>;
  /** How many more stand in the registers of patterns: they are neither in `lists` nor in the sums. */
  readonly leftOut: number;
}

/** Asks some at once. */
export async function statsOf(
  drains: readonly (readonly [list: string, drain: Pick<Drain, "stats">])[],
  leftOut: number,
): Promise<ListsStats> {
  const all: [list: string, stats: DrainStats][] = [];
  for (let at = 0; at < drains.length; at += limits.statsCountMax) {
    const some = drains.slice(at, at + limits.statsCountMax);
    all.push(
      ...(await Promise.all(
        some.map(async ([list, drain]): Promise<[string, DrainStats]> => [list, await drain.stats()]),
      )),
    );
  }
  return { ...sumOfStats(all.map(([, stats]) => stats)), lists: Object.fromEntries(all), leftOut };
}

/** The stats of several lists together. */
function sumOfStats(all: readonly DrainStats[]): DrainStats {
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
    paused: all.length > 0 && all.every((one) => one.paused),
  };
}
