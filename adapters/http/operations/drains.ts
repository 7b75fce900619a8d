import { type Drain, type DrainStats, OptionError, type Spillway } from "../../../src/index.ts";
import { Refusal } from "../problem.ts";
import type { ServedDrain } from "../routes.ts";
import { type Handled, handledBy } from "./handled.ts";

/** How one list stands. */
interface ListState {
  readonly list: string;
  readonly stats: DrainStats;
  /** Null where this process has handled nothing of it since somebody first asked. */
  readonly handled: Handled | null;
}

/** How lists stand. */
export interface States {
  readonly lists: readonly ListState[];
  /** How many more there are, of patterns. */
  readonly leftOut: number;
}

/** The drains that operations work on. */
export interface OperatedDrains {
  /** The drain of the list that is named, or of the only one. Throws `Refusal` where there is no such list. */
  of(list: unknown): Drain;
  /** Each list, and how it stands; or only the one that is named. Throws `Refusal` where there is no such list. */
  states(list?: unknown): Promise<States>;
  /** Resolves where Redis answers, by one command where a list is known by its name. */
  ping(): Promise<void>;
}

/** What operations find behind what a host serves: one drain, or those of `createSpillway`. */
export function operatedDrains(served: ServedDrain): OperatedDrains {
  const whole = (): Drain | Spillway => {
    const drain = (served.opened?.() ?? served) as Drain | Spillway;
    if (isSpillway(drain) || typeof drain.peek === "function") return drain;
    throw new Refusal(
      501,
      "This host's drain can only run: give it one that createDrain or createSpillway made.",
    );
  };
  const drains: OperatedDrains = {
    of(list) {
      const drain = whole();
      if (!isSpillway(drain)) {
        if (list === undefined || list === drain.list) return drain;
        throw new Refusal(404, "There is no such list.");
      }
      if (list === undefined)
        throw new Refusal(400, 'Say which list: "?list=…"; GET /lists tells their names.');
      try {
        return drain.drainOf(String(list));
      } catch (error) {
        throw error instanceof OptionError ? new Refusal(404, "There is no such list.") : error;
      }
    },
    async states(named) {
      const drain = whole();
      const handled = handledBy(drain.on, isSpillway(drain) ? null : drain.list);
      const state = (list: string, stats: DrainStats) => ({
        list,
        stats,
        handled: handled?.get(list) ?? null,
      });
      if (named !== undefined || !isSpillway(drain)) {
        const one = drains.of(named);
        return { lists: [state(one.list, await one.stats())], leftOut: 0 };
      }
      const { lists, leftOut } = await drain.stats();
      return { lists: Object.entries(lists).map(([list, stats]) => state(list, stats)), leftOut };
    },
    async ping() {
      const drain = whole();
      const one = isSpillway(drain) ? Object.values(drain.lists)[0] : drain;
      await (one ? one.limits.get() : drain.stats());
    },
  };
  return drains;
}

function isSpillway(drain: Drain | Spillway): drain is Spillway {
  return typeof (drain as Partial<Spillway>).drainOf === "function";
}
