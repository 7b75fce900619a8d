import type { DrainStats } from "../broker/broker.ts";
import type { Drain } from "../create-drain.ts";
import * as limits from "../limits.ts";
import type { Sender } from "../redis/sender.ts";
import type { RunnerParts } from "../run/runner.ts";
import { keysAsked } from "./lists-look.ts";
import type { Tenants } from "./tenants.ts";

/** The sums over several lists, and each list's own. */
export interface ListsStats extends DrainStats {
  /** Of lists that fit a pattern at most 100, and 100 more that have only dead letters; the same ones while none comes or goes. */
  readonly lists: Readonly<Record<string, DrainStats>>;
  /** How many more stand in the registers of patterns: they are neither in `lists` nor in the sums. */
  readonly leftOut: number;
}

/** The lists that are known, and where the names of others stand. */
export interface KnownLists {
  readonly made: ReadonlyMap<string, ListDrain>;
  readonly patterns: ReadonlyMap<string, Tenants>;
  readonly tenantOf: (pattern: string, list: string) => ListDrain;
  readonly sender: Sender;
  readonly randomId: () => string;
}

interface ListDrain {
  readonly drain: Pick<Drain, "stats">;
  readonly parts: RunnerParts;
}

/** Reads the stats of all lists. Names of lists of which only dead letters were known, and that have none any more, are forgotten. */
export async function statsOfLists({
  made,
  patterns,
  tenantOf,
  sender,
  randomId,
}: KnownLists): Promise<ListsStats> {
  const drains = [...made].map(([list, { drain }]) => [list, drain] as const);
  const deadOf = new Map<Tenants, ReadonlyMap<string, ListDrain>>();
  let leftOut = 0;
  for (const [pattern, tenants] of patterns) {
    const first = await tenants.first(sender);
    const found = new Map(first.names.map((list) => [list, tenantOf(pattern, list)] as const));
    for (const [list, { drain }] of found) drains.push([list, drain]);
    leftOut += first.leftOut;
    deadOf.set(tenants, new Map([...found].filter(([list]) => first.onlyDead.includes(list))));
  }
  const stats = await askSome(drains);
  for (const [tenants, lists] of deadOf) {
    const gone = [...lists].filter(([list]) => stats.get(list)?.dead === 0);
    if (gone.length === 0) continue;
    const keys = new Map(gone.map(([list, { parts }]) => [list, keysAsked(parts)] as const));
    // Where this is refused, the next call tries again.
    await tenants.forgetDead(sender, randomId(), keys).catch(() => undefined);
  }
  return { ...sumOfStats([...stats.values()]), lists: Object.fromEntries(stats), leftOut };
}

/** Asks some at once. */
async function askSome(
  drains: readonly (readonly [list: string, drain: Pick<Drain, "stats">])[],
): Promise<Map<string, DrainStats>> {
  const all = new Map<string, DrainStats>();
  for (let at = 0; at < drains.length; at += limits.statsCountMax) {
    const some = drains.slice(at, at + limits.statsCountMax);
    const stats = await Promise.all(some.map(([, drain]) => drain.stats()));
    for (const [index, [list]] of some.entries()) all.set(list, stats[index] as DrainStats);
  }
  return all;
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
