import type { Ending } from "../chain/continuation.ts";
import type { CheckedRunOptions } from "../options/run-options.ts";
import { runDeadline } from "../run/deadline.ts";
import { brokenReport } from "../run/report.ts";
import type { RunParts } from "../run/run-parts.ts";
import type { RunnerParts } from "../run/runner.ts";
import type { Slice, SliceOptions } from "./fair-run.ts";

/**
 * Makes what runs one list for slices of a whole run that began at `startedAt`. However late a slice begins, its handlers have
 * the whole's reserve to stop, or their lease would hold up the next hop. One continuation is for all lists, and one decision
 * whether others are started.
 */
export function slicesOf(
  parts: RunnerParts,
  whole: CheckedRunOptions,
  startedAt: number,
  more: Partial<RunParts> = {},
): (options: SliceOptions) => Promise<Slice> {
  const deadline = runDeadline(startedAt, whole.budgetMs, parts.settings.reserveMs);
  return async ({ mayClaim, requestsBeside, ...slice }) => {
    let ending: Ending | undefined;
    const onEnd = (given: Ending): void => {
      ending = given;
    };
    const own = {
      continuation: undefined,
      scaleOut: undefined,
      ...more,
      deadline,
      mayClaim,
      requestsBeside,
      onEnd,
    };
    const report = await parts.runWith({ ...whole, ...slice }, own).catch(brokenReport);
    const { stopped, remaining, nextDueAt } = report;
    const none = { progressCount: 0, retriedCount: 0, leftUntil: null, redisNow: null };
    return { report, ending: ending ?? { ...none, stopped, remaining, nextDueAt } };
  };
}
