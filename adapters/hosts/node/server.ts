import { serve } from "@hono/node-server";
import { Cron } from "croner";
import { type Drain, type DrainReport, OptionError } from "../../../src/index.ts";
import { createHttpApp } from "../../http/app.ts";

export interface NodeServerOptions {
  readonly drain: Drain;
  /** Bearer token for `POST /drain` and `GET /stats`; without one both are closed. */
  readonly token?: string | undefined;
  /** 0 takes a free one. Default: 8080. */
  readonly port?: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** When to run by itself, as a cron pattern, such as `* * * * *`. Default: only on demand. */
  readonly cron?: string;
  /** The time budget of each run, ms. Default: 25,000. */
  readonly budgetMs?: number;
  /** Told the report of each scheduled run. */
  readonly onReport?: (report: DrainReport) => void;
}

export interface NodeServer {
  readonly url: string;
  readonly port: number;
  /** Runs now, as the schedule would. Resolves with null where the last run still goes on. */
  tick(): Promise<DrainReport | null>;
  /** Ends the schedule, aborts what runs so that it settles and releases, waits for it, and stops listening. */
  stop(): Promise<void>;
}

/**
 * Serves a drain on a box: over HTTP, and by a cron schedule that never overlaps itself. Throws `OptionError` for a bad
 * pattern, rejects where the port is taken.
 */
export async function startServer(options: NodeServerOptions): Promise<NodeServer> {
  const { drain, token, port = 8080, host = "127.0.0.1", budgetMs = 25_000, onReport } = options;
  const controller = new AbortController();
  const { signal } = controller;
  const underWay = new Set<Promise<unknown>>();
  /** Every run, whoever asked for it, so that stopping can wait for all. */
  const tracked: Drain = {
    ...bound(drain),
    run: (runOptions) => {
      const run = drain.run(runOptions);
      underWay.add(run);
      const forget = (): void => void underWay.delete(run);
      run.then(forget, forget);
      return run;
    },
  };
  let isTicking = false;
  const tick = async (): Promise<DrainReport | null> => {
    if (isTicking || signal.aborted) return null;
    isTicking = true;
    try {
      const report = await tracked.run({ budgetMs, signal });
      onReport?.(report);
      return report;
    } finally {
      isTicking = false;
    }
  };
  const schedule = startSchedule(options.cron, tick);
  const app = createHttpApp(tracked, { token, budgetMs, signal });
  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const listening = serve({ fetch: app.fetch, port, hostname: host }, () => resolve(listening));
    listening.once("error", reject);
  }).catch((error: unknown) => {
    schedule?.stop();
    throw error;
  });
  const address = server.address();
  const boundPort = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${boundPort}`,
    port: boundPort,
    tick,
    stop: async () => {
      schedule?.stop();
      controller.abort();
      await Promise.allSettled(underWay);
      const closed = new Promise((resolve) => server.close(resolve));
      if ("closeIdleConnections" in server) server.closeIdleConnections();
      await closed;
    },
  };
}

function startSchedule(pattern: string | undefined, tick: () => Promise<unknown>): Cron | null {
  if (pattern === undefined) return null;
  try {
    return new Cron(pattern, { protect: true, catch: true }, async () => {
      await tick();
    });
  } catch {
    throw new OptionError("cron", 'a cron pattern, such as "* * * * *"', JSON.stringify(pattern));
  }
}

function bound(drain: Drain): Drain {
  return {
    list: drain.list,
    run: (options) => drain.run(options),
    deadLetters: drain.deadLetters,
    recover: () => drain.recover(),
    stats: () => drain.stats(),
    push: (payloads) => drain.push(payloads),
    close: () => drain.close(),
    [Symbol.asyncDispose]: () => drain.close(),
  };
}
