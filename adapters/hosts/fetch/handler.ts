import type { Hono } from "hono";
import type { ChainPosition, DrainReport, HostedDrain, ReceiveHop, RunOptions } from "../../../src/index.ts";
import {
  type Checked,
  checkOptions,
  func,
  integer,
  type Kinds,
  object,
  text,
} from "../../../src/internals.ts";
import { createHttpApp } from "../../http/app.ts";
import { answerFailure } from "../../http/failure.ts";
import { drainOpener, type GivenDrain, once } from "../../http/given-drain.ts";
import { handlerOf, newApp } from "../../http/hono.ts";
import { newChain, takeHops } from "../../http/hops.ts";
import { logReport, reportAsJson, tellReport } from "../../http/report.ts";
import { routesKind } from "../../http/routes.ts";
import { accessBy, countWrongTokens, tokensKind } from "../../http/tokens.ts";
import type { FetchContext, FetchHandlerOptions } from "./types.ts";

// The secret may stand in the place of the path.
const path = { pattern: /^\/[\w\-./~]*$/, wanted: 'a path, such as "/api"', isSecret: true };
const kinds = {
  token: text({ isSecret: true }),
  wakeToken: text({ isSecret: true }),
  tokens: tokensKind,
  routes: routesKind,
  basePath: text({ ...path, default: "/" }),
  hopPath: text(path),
  cronPath: text(path),
  cronSecret: text({ isSecret: true }),
  receiveHop: func<ReceiveHop>(),
  budgetMs: integer({ min: 1, max: 86_400_000, default: 25_000 }),
  signal: object<AbortSignal>({ methods: ["addEventListener"], wanted: "an AbortSignal" }),
  onReport: func<NonNullable<FetchHandlerOptions["onReport"]>>(),
} satisfies Kinds<FetchHandlerOptions>;
/**
 * A drain as a function from `Request` to `Response`, for every platform that has those. It serves the routes of `createHttpApp`, a
 * `GET` for a schedule with its secret, and at `POST /drain` also the hops of a continuation, such as signed calls and QStash's. A
 * hop is answered with 202 and goes on in `waitUntil`; where the platform has no `waitUntil`, it is answered when its drain has
 * ended. A process that lives on between calls, as with Bun or Deno, passes `{ waitUntil: () => undefined }`, so that the sender of a
 * hop need not wait. A call without the right token, secret or signature is answered with 401, or with 403 where none is
 * configured, and changes nothing. Takes a drain, or a function that makes one and is called at the first request. Where that
 * fails or takes longer than `budgetMs`, the answer is 503, the log says why, and the next request calls it again. Throws `OptionError` for bad options.
 */
export function fetchHandler(
  drain: GivenDrain,
  options: FetchHandlerOptions = {},
): (request: Request, context?: FetchContext) => Promise<Response> {
  const checked = checkOptions(kinds, options);
  const open = drainOpener(drain, checked.budgetMs);
  const openApp = once(async () => hostApp(await open(), checked));
  return async (request, context) => {
    try {
      const app = await openApp();
      // Platforms pass other things in its place too.
      const isContext = typeof context?.waitUntil === "function";
      return await app.fetch(request, undefined, isContext ? (context as never) : undefined);
    } catch (error) {
      return answerFailure(error);
    }
  };
}

function hostApp(drain: HostedDrain, options: Checked<typeof kinds>): Hono {
  const { token, wakeToken, tokens, routes, basePath, cronSecret, receiveHop, budgetMs, signal, onReport } =
    options;
  const app = newApp();

  const tell = (report: DrainReport, chain: ChainPosition): void =>
    tellReport(() => (onReport ? onReport(report, chain) : logReport(report, { list: drain.list, chain })));
  const run = async (chain: ChainPosition): Promise<DrainReport> => {
    const report = await drain.run({ budgetMs, chain, ...(signal ? { signal } : {}) } satisfies RunOptions);
    tell(report, chain);
    return report;
  };
  // A caller with the token gets the report, and it is logged too, unless `onReport` is given. Only wakes have a chain, and their
  // callers do not get the report.
  const called: HostedDrain = {
    ...drain,
    run: async (wanted) => {
      const report = await drain.run(wanted);
      if (wanted?.chain) tell(report, wanted.chain);
      else if (!onReport) logReport(report, { list: drain.list });
      return report;
    },
  };

  const countWrong = countWrongTokens();
  const schedule = accessBy([{ token: cronSecret, scopes: ["drain"] }], countWrong);
  app.get(
    options.cronPath ?? joined(basePath, "/cron"),
    async (context) =>
      (await schedule.refusal(context.req.raw)) ?? context.json(reportAsJson(await run(newChain()))),
  );
  if (receiveHop) {
    const drainPath = joined(basePath, "/drain");
    const { hopPath = drainPath } = options;
    const takesOthers = hopPath === drainPath && (token ?? tokens) !== undefined;
    app.post(hopPath, handlerOf(takeHops({ drain, receiveHop, run, takesOthers })));
  }
  app.route(
    basePath,
    createHttpApp(
      called,
      { token, wakeToken, tokens, routes, budgetMs, ...(signal ? { signal } : {}) },
      countWrong,
    ),
  );
  return app;
}

function joined(basePath: string, path: string): string {
  return `${basePath.replace(/\/$/, "")}${path}`;
}
