import type { ChainPosition } from "../chain/hop.ts";
import type { Clock } from "../clock.ts";
import type { DrainReport } from "../run/report.ts";
import type { RunParts } from "../run/run-parts.ts";

/** Which run it is. */
export interface WatchedRun {
  /** The list, or the common name of several lists. */
  readonly list: string;
  readonly chain: ChainPosition;
  readonly clock: Clock;
  /** When the budget ends, on the clock. */
  readonly endAt: number;
}

/**
 * Watches drains run: listeners to events, or a telemetry. It is put in front of the parts of a run, so a drain that nobody
 * watches has none of it.
 */
export interface Watcher {
  /** Is put around a run with all its lists and slices, and resolves with its report. Must not throw or reject by itself. */
  around<Report extends DrainReport>(about: WatchedRun, run: () => Promise<Report>): Promise<Report>;
  /** Is put around a push: may change the messages that `push` gets, and resolves with its result. */
  push?<Result>(list: string, given: unknown, push: (given: unknown) => Promise<Result>): Promise<Result>;
  /** The parts of one list's run, or of a slice of it, with watching ones in their place. */
  watch(parts: RunParts): RunParts;
}

/** Runs with the watchers around it, the first one outermost. */
export function watched<Report extends DrainReport>(
  watchers: readonly Watcher[],
  about: WatchedRun,
  run: () => Promise<Report>,
): Promise<Report> {
  return watchers.reduceRight((inner, one) => () => one.around(about, inner), run)();
}
