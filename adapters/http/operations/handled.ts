import type { ListsReport, On } from "../../../src/index.ts";

/** What this process has handled of a list since somebody first asked. */
export interface Handled {
  readonly acked: number;
  /** Attempts that failed, each counted. */
  readonly failed: number;
  /** How old the oldest message of the newest run that claimed some was when it was claimed, ms; null where none says when it was sent. */
  readonly oldestMs: number | null;
}

type Counts = { -readonly [Name in keyof Handled]: Handled[Name] };

/** By its `on` a drain is the same, whatever a host has put around it. */
const known = new WeakMap<On, Map<string, Counts>>();

/**
 * Counts what a drain tells of each list, from the first call on; null for a drain that tells nothing. `whole`: the list that all
 * is counted for, where the drain has one alone.
 */
export function handledBy(on: On | undefined, whole: string | null): ReadonlyMap<string, Handled> | null {
  if (typeof on !== "function") return null;
  const found = known.get(on);
  if (found) return found;
  const counts = new Map<string, Counts>();
  known.set(on, counts);
  const of = (list: string): Counts => {
    const name = whole ?? list;
    const own = counts.get(name) ?? { acked: 0, failed: 0, oldestMs: null };
    counts.set(name, own);
    return own;
  };
  on("message:acked", ({ list }) => {
    of(list).acked += 1;
  });
  on("message:failed", ({ list }) => {
    of(list).failed += 1;
  });
  on("drain:stopped", ({ list, report }) => {
    const { lists = { [list]: report } }: Partial<ListsReport> = report;
    for (const [name, { claimed, oldestMs }] of Object.entries(lists))
      if (claimed > 0) of(name).oldestMs = oldestMs;
  });
  return counts;
}
