import { ClosedError } from "../errors.ts";
import type { CheckedRunOptions } from "../options/run-options.ts";
import { brokenReport, type DrainReport } from "./report.ts";

/** The runs of a drain that are under way, so that `close` has them end first. */
export class LiveRuns {
  readonly #ends = new Map<Promise<unknown>, () => void>();
  #isClosed = false;

  /** Throws `ClosedError` once `end` was called. */
  expectOpen(): void {
    if (this.#isClosed) throw new ClosedError("drain");
  }

  /**
   * Runs with a signal that is aborted by the caller's own, and by `end`. A run reports its own errors: one that it throws came
   * from a clock, a randomId or a signal of the user, and is reported too.
   */
  async run<Report extends DrainReport>(
    options: CheckedRunOptions,
    run: (options: CheckedRunOptions) => Promise<Report>,
  ): Promise<Report | DrainReport> {
    this.expectOpen();
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const running = runUntil(options.signal, abort, () => run({ ...options, signal: controller.signal }));
    this.#ends.set(running, abort);
    return running.catch(brokenReport).finally(() => this.#ends.delete(running));
  }

  /** Lets no further run begin, aborts those under way, and waits until they have settled what was handled. */
  async end(): Promise<void> {
    this.#isClosed = true;
    for (const abort of this.#ends.values()) abort();
    await Promise.allSettled(this.#ends.keys());
  }
}

async function runUntil<Report>(
  signal: AbortSignal | undefined,
  abort: () => void,
  run: () => Promise<Report>,
): Promise<Report> {
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await run();
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
