import type { Woken } from "../chain/wake.ts";
import type { Drain, HostedDrain } from "../create-drain.ts";
import type { On } from "../events/listeners.ts";
import type { RunOptions } from "../options/run-options.ts";
import type { PushResult } from "../push/push.ts";
import type { Pushable, PushOptions } from "../push/push-options.ts";
import type { ListsReport } from "./fair-report.ts";
import type { ListsStats } from "./lists-stats.ts";

/** Several lists in one deployment: every host takes it as it takes a drain. */
export interface Spillway extends HostedDrain {
  /** The name of the whole, by which hops know it. */
  readonly list: string;
  /** Has a listener told of an event of any of the lists, as `drain.on` does for one. */
  on: On;
  /** The drain of each list, by its name; lists that fit a pattern are not among them. */
  readonly lists: Readonly<Record<string, Drain>>;
  /**
   * The drain of one list, also of one that fits a pattern: what puts messages back there writes its name into the register.
   * Throws `OptionError` for a list that there is not.
   */
  drainOf(list: string): Drain;
  /**
   * Drains all lists within one budget, as `priority` says, and goes on, where it must, by one continuation for all. A list that
   * is busy, paused, limited or braked holds up no other. Never rejects, as a drain does not.
   */
  run(options?: RunOptions): Promise<ListsReport>;
  /** The sums over the lists, and each list's own; of many that fit a pattern, of some. Throws the Redis errors. */
  stats(): Promise<ListsStats>;
  /**
   * Pushes to one of the lists, as its drain does, and writes the name of one that fits a pattern into its register: throws
   * `PushIncompleteError` where that failed. Throws `OptionError` for a list that there is not.
   */
  push(
    list: string,
    payloads: Pushable | Iterable<Pushable> | AsyncIterable<Pushable>,
    options?: PushOptions,
  ): Promise<PushResult & Woken>;
}
