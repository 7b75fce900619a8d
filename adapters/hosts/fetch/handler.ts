import { Hono } from "hono";
import {
  type ChainPosition,
  type Drain,
  type DrainReport,
  OptionError,
  type RunOptions,
} from "../../../src/index.ts";
import { createHttpApp } from "../../http/app.ts";
import { newChain, takeHops } from "../../http/hops.ts";
import { reportAsJson } from "../../http/report.ts";
import { isBearer } from "../../http/secret.ts";
import type { FetchContext, FetchHandlerOptions } from "./types.ts";

const budgetMsDefault = 25_000;

/**
 * A drain as a function from `Request` to `Response`, for every platform that has those: the routes of `createHttpApp`,
 * a `GET` for a schedule with its secret, and at `POST /drain` also the hops of a continuation, such as signed calls and
 * what QStash delivers. A hop is answered with 202 and goes on in `waitUntil`, or, where the platform gives none, is
 * answered when its drain has ended. A call without the right token, secret or signature is answered with 401, or 403
 * where no such thing is configured, and changes nothing. A process that lives on between calls, as Bun's or Deno's, gives
 * `{ waitUntil: () => undefined }`, or who sends a hop waits for the end of its drain. Takes a drain, or a function that
 * makes one, called at the first request. Throws `OptionError` for bad options.
 */
export function fetchHandler(
  drain: Drain | (() => Drain | Promise<Drain>),
  options: FetchHandlerOptions = {},
): (request: Request, context?: FetchContext) => Promise<Response> {
  refuseBadOptions(drain, options);
  let opened: Promise<Hono> | undefined;
  return async (request, context = {}) => {
    opened ??= Promise.resolve(typeof drain === "function" ? drain() : drain)
      .then((made) => hostApp(made, options))
      .catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
    const app = await opened;
    return app.fetch(request, undefined, context.waitUntil ? (context as never) : undefined);
  };
}

function hostApp(drain: Drain, options: FetchHandlerOptions): Hono {
  const { token, basePath = "/", cronSecret, receiveHop, budgetMs = budgetMsDefault, signal } = options;
  const app = new Hono();

  const run = async (chain: ChainPosition): Promise<DrainReport> => {
    const report = await drain.run({ budgetMs, chain, ...(signal ? { signal } : {}) } satisfies RunOptions);
    try {
      options.onReport?.(report, chain);
    } catch (error) {
      // The drain has run, and perhaps gone on: an error in the answer would have the caller call again.
      console.error("Spillway: onReport threw.", error);
    }
    return report;
  };

  app.use(async (context, next) => {
    await next();
    context.header("Cache-Control", "no-store");
  });
  app.onError((_error, context) => context.json({ error: "Redis did not serve the request." }, 503));
  app.notFound((context) => context.json({ error: "Not found." }, 404));

  app.get(options.cronPath ?? joined(basePath, "/cron"), async (context) => {
    if (cronSecret === undefined)
      return context.json({ error: "Closed: no cron secret is configured." }, 403);
    if (!(await isBearer(context.req.header("authorization"), cronSecret))) {
      return context.json({ error: "The cron secret is wanted as a bearer token." }, 401);
    }
    return context.json(reportAsJson(await run(newChain())));
  });
  if (receiveHop) {
    const drainPath = joined(basePath, "/drain");
    const { hopPath = drainPath } = options;
    const takesOthers = hopPath === drainPath && token !== undefined;
    app.post(hopPath, takeHops({ drain, receiveHop, run, takesOthers }));
  }
  app.route(basePath, createHttpApp(drain, { token, budgetMs, ...(signal ? { signal } : {}) }));
  return app;
}

function joined(basePath: string, path: string): string {
  return `${basePath.replace(/\/$/, "")}${path}`;
}

function refuseBadOptions(drain: unknown, options: FetchHandlerOptions): void {
  const { basePath, hopPath, cronPath, budgetMs, token, cronSecret, receiveHop } = options;
  if (typeof drain !== "function" && typeof (drain as Drain | null)?.run !== "function") {
    throw new OptionError(
      "drain",
      "a drain, as createDrain makes it, or a function that returns one",
      typeof drain,
    );
  }
  for (const [name, path] of Object.entries({ basePath, hopPath, cronPath })) {
    if (path !== undefined && !/^\/[\w\-./~]*$/.test(path)) {
      throw new OptionError(name, 'a path, such as "/api"', JSON.stringify(path));
    }
  }
  for (const [name, secret] of Object.entries({ token, cronSecret })) {
    if (secret !== undefined && (typeof secret !== "string" || secret === "")) {
      throw new OptionError(name, "a string with at least one character, or left out", "an empty one");
    }
  }
  if (budgetMs !== undefined && !(Number.isInteger(budgetMs) && budgetMs >= 1)) {
    throw new OptionError("budgetMs", "a whole number of ms of at least 1", String(budgetMs));
  }
  if (receiveHop !== undefined && typeof receiveHop !== "function") {
    throw new OptionError("receiveHop", "a function, as signedReceiver(…) returns it", typeof receiveHop);
  }
}
