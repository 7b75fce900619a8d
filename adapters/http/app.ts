import type { MiddlewareHandler } from "hono";
import { Hono } from "hono/tiny";
import type { Drain, ReceiveHop, RunOptions } from "../../src/index.ts";
import { checkOptions, func, integer, type Kinds, object, text } from "../../src/internals.ts";
import { readBody } from "./body.ts";
import { answerFailure } from "./failure.ts";
import { checkDrain } from "./given-drain.ts";
import { newChain, takeHops } from "./hops.ts";
import { reportAsJson } from "./report.ts";
import { isBearer } from "./secret.ts";
import { besideAnswers } from "./wake.ts";

export { reportAsJson } from "./report.ts";

export interface HttpAppOptions {
  /** Bearer token that `POST /drain` and `GET /stats` want. Without one both are closed. */
  readonly token?: string | undefined;
  /** Bearer token that opens `POST /wake`, which the other one opens too, and nothing else. Default: none. */
  readonly wakeToken?: string | undefined;
  /** Longest budget a caller may ask for, and the one a caller gets who asks for none, ms, up to a day. Default: 25,000. */
  readonly budgetMs?: number;
  /** Given to every run: aborting it ends the runs under way. */
  readonly signal?: AbortSignal;
  /**
   * Recognises the hops of a continuation that comes by HTTP, such as `signedReceiver(…)` or `qstashReceiver(…)`: `POST
   * /drain` takes them without a token. Default: there are none.
   */
  readonly receiveHop?: ReceiveHop | undefined;
}

const kinds = {
  token: text({ isSecret: true }),
  wakeToken: text({ isSecret: true }),
  budgetMs: integer({ min: 1, max: 86_400_000, default: 25_000 }),
  signal: object({ methods: ["addEventListener"], wanted: "an AbortSignal" }),
  receiveHop: func(),
} satisfies Kinds<HttpAppOptions>;

const bodyBytesMax = 4_096;

class BadBody extends Error {}

/**
 * A drain over HTTP, for every host that serves Hono: `POST /drain` runs it and answers with the report, `POST /wake` has one
 * begin, `GET /stats` tells where the messages are, `GET /health` that the process is up. A caller who hangs up does not cut the drain short.
 * Throws `OptionError` for bad options.
 */
export function createHttpApp(
  drain: Pick<Drain, "list" | "run" | "stats"> & Partial<Pick<Drain, "wake">>,
  options: HttpAppOptions = {},
): Hono {
  checkDrain(drain);
  const { token, wakeToken, budgetMs, signal, receiveHop } = checkOptions(kinds, options);
  const app = new Hono();

  app.use(async (context, next) => {
    await next();
    context.header("Cache-Control", "no-store");
  });

  const opensFor =
    (...tokens: (string | undefined)[]): MiddlewareHandler =>
    async (context, next) => {
      const known = tokens.filter((one) => one !== undefined);
      if (!known.length) return context.json({ error: "Closed: no token is configured." }, 403);
      const given = context.req.header("authorization");
      for (const one of known) if (await isBearer(given, one)) return next();
      context.header("WWW-Authenticate", "Bearer");
      return context.json({ error: "A valid bearer token is wanted." }, 401);
    };
  const authorized = opensFor(token);

  app.onError((error, context) =>
    error instanceof BadBody ? context.json({ error: error.message }, 400) : answerFailure(error),
  );
  app.notFound((context) => context.json({ error: "Not found." }, 404));

  app.get("/health", (context) => context.json({ status: "ok" }));
  app.get("/stats", authorized, async (context) =>
    context.json({ list: drain.list, stats: await drain.stats() }),
  );
  const run = (wanted: RunOptions) => drain.run(signal ? { ...wanted, signal } : wanted);
  if (receiveHop) {
    const takesOthers = token !== undefined;
    app.post(
      "/drain",
      takeHops({ drain, receiveHop, run: async (chain) => run({ budgetMs, chain }), takesOthers }),
    );
  }
  app.post("/drain", authorized, async (context) => {
    const bytes = await readBody(context.req.raw, bodyBytesMax);
    if (!bytes) return context.json({ error: `The body must be no larger than ${bodyBytesMax} bytes.` }, 413);
    const report = await run(readWishes(new TextDecoder().decode(bytes), budgetMs));
    return context.json(reportAsJson(report), report.stopped === "error" ? 502 : 200);
  });
  const beside = besideAnswers(() => run({ budgetMs, chain: newChain() }).catch(answerFailure));
  app.post("/wake", opensFor(wakeToken, token), async (context) => {
    const said = (await drain.wake?.()) ?? beside(context);
    if (!said) return context.json({ error: "Give the drain a continuation, or POST /drain." }, 501);
    return said.wakeError ? answerFailure(said.wakeError) : context.json({ woken: said.woken }, 202);
  });
  for (const path of ["/health", "/stats", "/drain", "/wake"]) {
    app.all(path, (context) => context.json({ error: `${context.req.method} is not allowed here.` }, 405));
  }
  return app;
}

function readWishes(text: string, budgetMsMax: number): RunOptions {
  if (text.trim() === "") return { budgetMs: budgetMsMax };
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new BadBody("The body must be JSON, or empty.");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new BadBody("The body must be a JSON object, or empty.");
  }
  const { budgetMs, maxMessages, ...unknown } = body as Record<string, unknown>;
  const [stranger] = Object.keys(unknown);
  if (stranger !== undefined) {
    throw new BadBody(`"${stranger.slice(0, 40)}" is not known; known are budgetMs and maxMessages.`);
  }
  return {
    budgetMs: readCount("budgetMs", budgetMs, budgetMsMax) ?? budgetMsMax,
    ...optional("maxMessages", readCount("maxMessages", maxMessages, Number.MAX_SAFE_INTEGER)),
  };
}

function readCount(name: string, value: unknown, max: number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new BadBody(
    `"${name}" must be a whole number from 1 to ${max}; got ${JSON.stringify(value).slice(0, 40)}.`,
  );
}

function optional(name: "maxMessages", value: number | undefined): RunOptions {
  return value === undefined ? {} : { [name]: value };
}
