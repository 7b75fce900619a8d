import { setTimeout } from "node:timers/promises";
import { ClosedError, type DrainReport, type HostedDrain } from "../../../src/index.ts";
import { boolean, checkOptions, func, integer, type Kinds } from "../../../src/internals.ts";
import { logError } from "../../http/failure.ts";
import { checkDrain, once } from "../../http/given-drain.ts";
import { logReport, tellReport } from "../../http/report.ts";
import { abortMsOf, isWithin } from "./grace.ts";
import { stopBySignal } from "./signals.ts";

export interface WorkerOptions {
  /** The time budget of each run, ms. Where messages are left, the next run begins at once. Default: 300,000. */
  readonly budgetMs?: number;
  /** How long an idle worker waits at most before it looks for expired leases and the like, ms, at least 100. Default: 30,000. */
  readonly idleMs?: number;
  /** Called with the report of each run. Default: logs the reports of runs that found something or failed, as one line of JSON each. */
  readonly onReport?: (report: DrainReport) => void;
  /** How long `stop` waits for handlers, ms, at most a day. Messages that have not ended by then stay leased. Default: 10,000. */
  readonly graceMs?: number;
  /** Whether SIGTERM and SIGINT stop the worker and then end the process, as `startServer` describes. Default: true. */
  readonly stopsBySignal?: boolean;
}

export interface Worker {
  /**
   * Claims nothing more, has the run settle and release its messages, and waits for it, at most `graceMs`. The drain stays open:
   * `drain.close()` ends its connections. Calling `stop` again waits for the same end.
   */
  stop(): Promise<void>;
}

const kinds = {
  budgetMs: integer({ min: 1, max: 86_400_000, default: 300_000 }),
  idleMs: integer({ min: 100, max: 86_400_000, default: 30_000 }),
  onReport: func<(report: DrainReport) => void>(),
  graceMs: integer({ min: 0, max: 86_400_000, default: 10_000 }),
  stopsBySignal: boolean({ default: true }),
} satisfies Kinds<WorkerOptions>;

/** Shortest wait where the list has work only later, and longest wait after errors, ms. */
const pauseMs = 1_000;
const pauseMsMax = 30_000;
const dueMsMin = 100;

/**
 * A process that keeps running: it runs the drain, and waits for the next message where there is none. A client that can block waits
 * by a blocking command, so that work starts as soon as it is pushed and an idle worker costs one command each `idleMs`; over REST
 * it asks once a second. The worker ends by itself where its drain is closed. Throws `OptionError` for bad options.
 */
export function startWorker(drain: HostedDrain, options: WorkerOptions = {}): Worker {
  checkDrain(drain);
  const { budgetMs, idleMs, onReport, graceMs, stopsBySignal } = checkOptions(kinds, options);
  const controller = new AbortController();
  const { signal } = controller;
  const abortMs = abortMsOf(graceMs);
  let errorCount = 0;
  let isClean = true;

  const pause = (ms: number): Promise<void> => setTimeout(ms, undefined, { signal }).catch(() => undefined);

  /** How long there will be no work, as far as the report says; never so short that the worker would spin. */
  const dueMs = ({ nextDueAt }: DrainReport): number =>
    Math.max(dueMsMin, Math.min(idleMs, (nextDueAt ?? Number.POSITIVE_INFINITY) - Date.now()));

  const waitAfter = async (report: DrainReport): Promise<void> => {
    const { stopped, remaining, claimed } = report;
    if (stopped === "budget" || stopped === "limit" || stopped === "aborted")
      // A budget in which nothing can be claimed must not keep a processor busy.
      return claimed > 0 ? undefined : pause(dueMsMin);
    if (["busy", "braked", "rate-limited", "held"].includes(stopped)) return pause(dueMs(report));
    // Handlers would only give back again what they have just given back.
    if (stopped === "paused" || remaining !== 0) return pause(pauseMs);
    await drain.waitForMessage({ timeoutMs: dueMs(report), signal });
  };

  const work = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        const report = await drain.run({ budgetMs, signal, abortMs });
        isClean = report.leftBehind === 0;
        tellReport(() =>
          onReport ? onReport(report) : logReport(report, { list: drain.list, chain: undefined }),
        );
        if (report.stopped === "error") throw report.error;
        await waitAfter(report);
        errorCount = 0;
      } catch (error) {
        errorCount += 1;
        if (signal.aborted) return;
        if (error instanceof ClosedError) return logError("the worker ends.", error);
        logError("the worker goes on after an error.", error);
        await pause(Math.min(pauseMsMax, pauseMs * 2 ** (errorCount - 1)));
      }
    }
  };
  const working = work();

  const stop = once(async () => {
    forgetSignals();
    controller.abort();
    return (await isWithin(graceMs, working)) && isClean;
  });
  const forgetSignals = stopsBySignal ? stopBySignal(stop) : () => undefined;
  return {
    stop: async () => {
      await stop();
    },
  };
}
