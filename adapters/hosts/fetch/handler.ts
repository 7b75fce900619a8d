import { type Context, Hono } from "hono";
import { type ChainPosition, type Drain, OptionError, type RunOptions } from "../../../src/index.ts";
import {
  readHop,
  refuseNoNumbers,
  refuseWeakKeys,
  signatureHeader,
  verifyRequest,
} from "../../continue/signed/index.ts";
import { createHttpApp, reportAsJson } from "../../http/app.ts";
import { isSameSecret } from "../../http/secret.ts";
import type { FetchContext, FetchHandlerOptions } from "./types.ts";

/** What each request brings besides itself. */
type Host = { Bindings: { platform: FetchContext } };

const budgetMsDefault = 25_000;

/**
 * A drain as a function from `Request` to `Response`, for every platform that has those: the routes of `createHttpApp`,
 * a `GET` for a schedule with its secret, and at `POST /drain` also signed hops and what QStash delivers. A hop is
 * answered with 202 and goes on in `waitUntil`, or, where the platform gives none, is answered when its drain has ended.
 * A call without the right token, secret or signature is answered with 401, or 403 where no such thing is configured, and
 * changes nothing. A process that lives on between calls, as Bun's or Deno's, gives `{ waitUntil: () => undefined }`, or
 * who sends a hop waits for the end of its drain. Takes a drain, or a
 * function that makes one, called at the first request. Throws `OptionError` for bad options.
 */
export function fetchHandler(
  drain: Drain | (() => Drain | Promise<Drain>),
  options: FetchHandlerOptions = {},
): (request: Request, context?: FetchContext) => Promise<Response> {
  refuseBadOptions(drain, options);
  let opened: Promise<Hono<Host>> | undefined;
  return async (request, context = {}) => {
    opened ??= Promise.resolve(typeof drain === "function" ? drain() : drain)
      .then((made) => hostApp(made, options))
      .catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
    return (await opened).fetch(request, { platform: context });
  };
}

function hostApp(drain: Drain, options: FetchHandlerOptions): Hono<Host> {
  const { token, basePath = "/", cronSecret, signed, qstash, budgetMs = budgetMsDefault, signal } = options;
  const app = new Hono<Host>();

  const run = async (chain: ChainPosition): Promise<object> => {
    const report = await drain.run({ budgetMs, chain, ...(signal ? { signal } : {}) } satisfies RunOptions);
    try {
      options.onReport?.(report, chain);
    } catch (error) {
      // The drain has run, and perhaps gone on: an error in the answer would have the caller call again.
      console.error("Spillway: onReport threw.", error);
    }
    return reportAsJson(report);
  };
  /** A hop that names another list, since this function has been given a new one, begins a chain of its own. */
  const hop = async (context: Context<Host>, body: string | Uint8Array): Promise<Response> => {
    const asked = readHop(body);
    if (!asked) return context.json({ error: "The body must be { list, chainId, hop }." }, 400);
    const running = run(asked.list === drain.list ? asked.chain : newChain());
    const { platform } = context.env;
    if (!platform.waitUntil) return context.json(await running);
    // Nobody waits for it any more who could be told of a failure; the report has been.
    platform.waitUntil(running.catch(() => undefined));
    return context.json({ status: "started" }, 202);
  };
  const refused = (context: Context<Host>, why: string) => context.json({ error: why }, 401);

  app.use(async (context, next) => {
    await next();
    context.header("Cache-Control", "no-store");
  });
  app.onError((_error, context) => context.json({ error: "Redis did not serve the request." }, 503));
  app.notFound((context) => context.json({ error: "Not found." }, 404));

  app.get(options.cronPath ?? joined(basePath, "/cron"), async (context) => {
    if (cronSecret === undefined)
      return context.json({ error: "Closed: no cron secret is configured." }, 403);
    const given = /^Bearer (.+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
    if (given === undefined || !(await isSameSecret(given, cronSecret))) {
      return refused(context, "The cron secret is wanted as a bearer token.");
    }
    return context.json(await run(newChain()));
  });
  const drainPath = joined(basePath, "/drain");
  const { hopPath = drainPath } = options;
  const takesToken = hopPath === drainPath && token !== undefined;
  app.post(hopPath, async (context, next) => {
    const { raw } = context.req;
    if (signed && raw.headers.has(signatureHeader)) {
      const said = await verifyRequest(raw, signed);
      return said.ok
        ? hop(context, said.body)
        : refused(context, `The signature does not count: ${said.reason}.`);
    }
    if (qstash && raw.headers.has(qstash.header)) {
      const body = await qstash.verify(raw);
      return body === null ? refused(context, "QStash's signature does not count.") : hop(context, body);
    }
    if ((signed || qstash) && !takesToken) return refused(context, "A signature is wanted.");
    return next();
  });
  app.route(basePath, createHttpApp(drain, { token, budgetMs, ...(signal ? { signal } : {}) }));
  return app;
}

function newChain(): ChainPosition {
  return { id: crypto.randomUUID(), hop: 0 };
}

function joined(basePath: string, path: string): string {
  return `${basePath.replace(/\/$/, "")}${path}`;
}

function refuseBadOptions(drain: unknown, options: FetchHandlerOptions): void {
  const { basePath, hopPath, cronPath, budgetMs, token, cronSecret, signed, qstash } = options;
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
  if (signed) {
    refuseWeakKeys("signed.keys", signed.keys);
    refuseNoNumbers({ "signed.clockSkewMs": signed.clockSkewMs, "signed.ttlMsMax": signed.ttlMsMax });
  }
  if (qstash && typeof qstash.verify !== "function") {
    throw new OptionError("qstash", "what qstashReceiver(…) returns", "an object without a verify function");
  }
}
