import type { Woken } from "../chain/wake.ts";
import type { Drain, HostedDrain } from "../create-drain.ts";
import type { On } from "../events/listeners.ts";
import type { RunOptions } from "../options/run-options.ts";
import type { PushResult } from "../push/push.ts";
import type { Pushable, PushOptions } from "../push/push-options.ts";
import type { ListsReport } from "./fair-report.ts";
import type { ListsStats } from "./lists-stats.ts";

/** Several lists in one deployment. Hosts take it in place of a drain. */
export interface Spillway extends HostedDrain {
  /** The common name of all these lists, which hops carry. */
  readonly list: string;
  /** Adds a listener to an event of all lists, as `drain.on` does for one. */
  on: On;
  /** The drain of each list, by its name. Lists that fit a pattern are not among them: see `drainOf`. */
  readonly lists: Readonly<Record<string, Drain>>;
  /**
   * The drain of one list, also of one that fits a pattern: where its verbs put messages into the list, they write its name into
   * the register. Throws `OptionError` for an unknown list.
   */
  drainOf(list: string): Drain;
  /**
   * Drains all lists within one budget, as `priority` says, and goes on by one continuation for all. A list that is busy, paused,
   * limited or braked holds up no other. Like a drain, it never rejects for what happens in a run.
   */
  run(options?: RunOptions): Promise<ListsReport>;
  /** The sums over the lists, and each list's own; of many that fit a pattern, of some. Throws the Redis errors. */
  stats(): Promise<ListsStats>;
  /**
   * Pushes to one of the lists, as its drain does. The name of a list that fits a pattern is then written into its register;
   * throws `PushIncompleteError` where that fails. Throws `OptionError` for an unknown list.
   */
  push(
    list: string,
    payloads: Pushable | Iterable<Pushable> | AsyncIterable<Pushable>,
    options?: PushOptions,
  ): Promise<PushResult & Woken>;
}
