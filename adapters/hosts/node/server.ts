import { serve } from "@hono/node-server";
import { Cron } from "croner";
import { type Drain, type DrainReport, OptionError, type ReceiveHop } from "../../../src/index.ts";
import { checkOptions, func, integer, type Kinds, object, required, text } from "../../../src/internals.ts";
import { createHttpApp } from "../../http/app.ts";

export interface NodeServerOptions {
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
  /**
   * Recognises the hops of a continuation that comes by HTTP, such as `signedReceiver(…)`: `POST /drain` takes them
   * without a token, and answers 202 at once. Default: there are none.
   */
  readonly receiveHop?: ReceiveHop;
  /** Told the report of each run that the schedule or a hop began. */
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

const kinds = {
  token: text({ isSecret: true }),
  port: integer({ min: 0, max: 65_535, default: 8080 }),
  host: text({ default: "127.0.0.1" }),
  cron: text(),
  budgetMs: integer({ min: 1, default: 25_000 }),
  receiveHop: func<ReceiveHop>(),
  onReport: func<(report: DrainReport) => void>(),
} satisfies Kinds<NodeServerOptions>;
const drainKinds = {
  drain: required(object<Drain>({ methods: ["run"], wanted: "a drain, as createDrain makes it" })),
};

/**
 * Serves a drain on a box: over HTTP, and by a cron schedule that never overlaps itself. Rejects with `OptionError` for
 * bad options, and where the port is taken.
 */
export async function startServer(drain: Drain, options: NodeServerOptions = {}): Promise<NodeServer> {
  checkOptions(drainKinds, { drain });
  const { token, port, host, cron, budgetMs, onReport, receiveHop } = checkOptions(kinds, options);
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
  const schedule = startSchedule(cron, tick);
  const served: Drain = {
    ...tracked,
    run: async (runOptions) => {
      const report = await tracked.run(runOptions);
      // Only a hop has a chain, and only its caller is not told the report.
      if (runOptions?.chain) onReport?.(report);
      return report;
    },
  };
  const app = createHttpApp(served, { token, budgetMs, signal, receiveHop });
  // This process lives on between calls, and waits for all of its runs when it is stopped.
  const lasting = { waitUntil: () => undefined } as never;
  const fetch = (request: Request, env: object) => app.fetch(request, env, lasting);
  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const listening = serve({ fetch, port, hostname: host }, () => resolve(listening));
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
  };
}
