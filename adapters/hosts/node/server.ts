import { serve } from "@hono/node-server";
import { Cron } from "croner";
import {
  type ChainPosition,
  type DrainReport,
  type HostedDrain,
  OptionError,
  type ReceiveHop,
} from "../../../src/index.ts";
import { boolean, checkOptions, func, integer, type Kinds, show, text } from "../../../src/internals.ts";
import { createHttpApp } from "../../http/app.ts";
import { logError } from "../../http/failure.ts";
import { checkDrain, once } from "../../http/given-drain.ts";
import { logReport, tellReport } from "../../http/report.ts";
import { type HttpRoutes, routesKind } from "../../http/routes.ts";
import { type HttpToken, tokensKind } from "../../http/tokens.ts";
import { abortMsOf, isWithin } from "./grace.ts";
import { stopBySignal } from "./signals.ts";

export { startWorker, type Worker, type WorkerOptions } from "./worker.ts";

export interface NodeServerOptions {
  /** Bearer token for `POST /drain` and `GET /stats`. Without one, both are closed. */
  readonly token?: string | undefined;
  /** Bearer token that opens `POST /wake`, which the other one opens too, and nothing else. Default: none. */
  readonly wakeToken?: string | undefined;
  /** More tokens, each with what it opens, as `createHttpApp` has it. Default: none. */
  readonly tokens?: readonly HttpToken[] | undefined;
  /** Routes to serve beside: `[operations()]`. Default: none. */
  readonly routes?: readonly HttpRoutes[] | undefined;
  /** The port; 0 takes a free one. Default: 8080. */
  readonly port?: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** When to run by itself, as a cron pattern, such as `* * * * *`. Default: only on demand. */
  readonly cron?: string;
  /** The time budget of each run, ms. Default: 25,000. */
  readonly budgetMs?: number;
  /**
   * Recognises the hops of a continuation by HTTP, such as `signedReceiver(…)`. `POST /drain` takes them without a token, and
   * answers with 202 at once. Default: no hops are taken.
   */
  readonly receiveHop?: ReceiveHop;
  /**
   * Called with the report of each run that the schedule, a hop or a wake began. Default: logs each report of a drain that found
   * something or failed as one line of JSON, also those of calls with the token.
   */
  readonly onReport?: (report: DrainReport) => void;
  /**
   * How long `stop` waits for runs and requests, ms, before it cuts every connection; at most a day. The message of a handler that
   * has not ended by then stays leased, and a later drain recovers it. Default: 10,000.
   */
  readonly graceMs?: number;
  /**
   * Whether SIGTERM and SIGINT stop the server and then end the process: with code 0, or 1 where `graceMs` was not enough. Where the
   * program listens for the signal itself, it must end the process itself. A second signal ends the process at once. With false,
   * both signals are left to the program, which calls `stop`. Default: true.
   */
  readonly stopsBySignal?: boolean;
}

export interface NodeServer {
  readonly url: string;
  readonly port: number;
  /** Runs now, as the schedule would. Resolves with null while the last run still goes on. */
  tick(): Promise<DrainReport | null>;
  /**
   * Ends the schedule, stops listening, aborts running drains so that they settle and release their messages, and waits for them, at
   * most `graceMs`. The drain stays open: `drain.close()` ends its connections. Calling `stop` again waits for the same end.
   */
  stop(): Promise<void>;
}

const kinds = {
  token: text({ isSecret: true }),
  wakeToken: text({ isSecret: true }),
  tokens: tokensKind,
  routes: routesKind,
  port: integer({ min: 0, max: 65_535, default: 8080 }),
  host: text({ default: "127.0.0.1" }),
  cron: text(),
  budgetMs: integer({ min: 1, max: 86_400_000, default: 25_000 }),
  receiveHop: func<ReceiveHop>(),
  onReport: func<(report: DrainReport) => void>(),
  graceMs: integer({ min: 0, max: 86_400_000, default: 10_000 }),
  stopsBySignal: boolean({ default: true }),
} satisfies Kinds<NodeServerOptions>;

/**
 * Serves a drain from a Node process: over HTTP, and by a cron schedule that never overlaps itself. Rejects with `OptionError` for
 * bad options, and with Node's error where the port is taken.
 */
export async function startServer(drain: HostedDrain, options: NodeServerOptions = {}): Promise<NodeServer> {
  checkDrain(drain);
  const checked = checkOptions(kinds, options);
  const { port, host, cron, budgetMs, onReport, graceMs, stopsBySignal } = checked;
  const { token, wakeToken, tokens, routes, receiveHop } = checked;
  const controller = new AbortController();
  const { signal } = controller;
  const underWay = new Set<Promise<DrainReport>>();
  /** Notes every run, whoever asked for it, so that `stop` can wait for all. */
  const tracked: HostedDrain = {
    ...drain,
    run: (runOptions) => {
      const run = drain.run({ abortMs: abortMsOf(graceMs), ...runOptions });
      underWay.add(run);
      const forget = (): void => void underWay.delete(run);
      run.then(forget, forget);
      return run;
    },
  };
  const tell = (report: DrainReport, chain?: ChainPosition): void =>
    tellReport(() => (onReport ? onReport(report) : logReport(report, { list: drain.list, chain })));
  let isTicking = false;
  const tick = async (): Promise<DrainReport | null> => {
    if (isTicking || signal.aborted) return null;
    isTicking = true;
    try {
      const report = await tracked.run({ budgetMs, signal });
      tell(report);
      return report;
    } finally {
      isTicking = false;
    }
  };
  const schedule = startSchedule(cron, tick);
  const served: HostedDrain = {
    ...tracked,
    run: async (runOptions) => {
      const report = await tracked.run(runOptions);
      // Only hops and wakes have a chain, and only their callers do not get the report. The log has all reports.
      if (runOptions?.chain || !onReport) tell(report, runOptions?.chain);
      return report;
    },
  };
  const app = createHttpApp(served, { token, wakeToken, tokens, routes, budgetMs, signal, receiveHop });
  // This process lives on between calls, and `stop` waits for all runs.
  const lasting = { waitUntil: () => undefined } as never;
  const fetch = async (request: Request, env: object): Promise<Response> => {
    const response = await app.fetch(request, env, lasting);
    // Otherwise a client that keeps its connection open would keep the server alive too. A stream tells it before it may be known.
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
    if (signal.aborted || isStream) response.headers.set("Connection", "close");
    return response;
  };
  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const listening = serve({ fetch, port, hostname: host }, () => resolve(listening));
    listening.once("error", reject);
  }).catch((error: unknown) => {
    schedule?.stop();
    throw error;
  });
  const address = server.address();
  const boundPort = typeof address === "object" && address !== null ? address.port : port;
  const end = async (): Promise<boolean> => {
    schedule?.stop();
    controller.abort();
    const closed = new Promise((resolve) => server.close(resolve));
    if ("closeIdleConnections" in server) server.closeIdleConnections();
    const ends = Promise.allSettled(underWay);
    const hasEnded = await isWithin(graceMs, Promise.all([ends, closed]));
    if ("closeAllConnections" in server) server.closeAllConnections();
    return hasEnded && (await ends).every((end) => end.status === "rejected" || end.value.leftBehind === 0);
  };
  const stop = once(async () => {
    forgetSignals();
    return end();
  });
  const forgetSignals = stopsBySignal ? stopBySignal(stop) : () => undefined;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${boundPort}`,
    port: boundPort,
    tick,
    stop: async () => {
      await stop();
    },
  };
}

function startSchedule(pattern: string | undefined, tick: () => Promise<unknown>): Cron | null {
  if (pattern === undefined) return null;
  try {
    const onError = (error: unknown): void => logError("the schedule could not drain.", error);
    return new Cron(pattern, { protect: true, catch: onError }, async () => {
      await tick();
    });
  } catch {
    throw new OptionError("cron", 'a cron pattern, such as "* * * * *"', show(pattern));
  }
}
