import type { ChainPosition } from "../chain/hop.ts";
import type { Clock } from "../clock.ts";
import type { DrainReport } from "../run/report.ts";
import type { RunParts } from "../run/run-parts.ts";

/** Which run it is. */
export interface WatchedRun {
  /** The list, or the name of several lists' whole. */
  readonly list: string;
  readonly chain: ChainPosition;
  readonly clock: Clock;
  /** When the budget ends, on the clock. */
  readonly endAt: number;
}

/**
 * Looks on while drains run: listeners to events, or a telemetry. It stands in front of what a run is made of, so a drain
 * that is not watched has none of it.
 */
export interface Watcher {
  /** Stands around a run, whatever its lists and slices are: resolves with its report. Neither throws nor rejects by itself. */
  around<Report extends DrainReport>(about: WatchedRun, run: () => Promise<Report>): Promise<Report>;
  /** Stands around a push: may give `push` the messages changed, and resolves with what it does. */
  push?<Result>(list: string, given: unknown, push: (given: unknown) => Promise<Result>): Promise<Result>;
  /** The parts of one list's run, or of a slice of it, with those in their place that look on. */
  watch(parts: RunParts): RunParts;
}

/** A run with its watchers around it, the first outermost. */
export function watched<Report extends DrainReport>(
  watchers: readonly Watcher[],
  about: WatchedRun,
  run: () => Promise<Report>,
): Promise<Report> {
  return watchers.reduceRight((inner, one) => () => one.around(about, inner), run)();
}
