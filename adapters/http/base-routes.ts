import type { ReceiveHop, RunOptions } from "../../src/index.ts";
import { checkOptions, func, integer, type Kinds, object, text } from "../../src/internals.ts";
import type { Answering } from "./call.ts";
import { answerFailure, logError } from "./failure.ts";
import { checkDrain } from "./given-drain.ts";
import { newChain, takeHops } from "./hops.ts";
import { asked, readJson } from "./json-body.ts";
import { problem } from "./problem.ts";
import { reportAsJson } from "./report.ts";
import { type HttpRoutes, type RoutesContext, routesKind, type ServedDrain } from "./routes.ts";
import { accessBy, type HttpScope, type HttpToken, tokensKind, type WrongTokens } from "./tokens.ts";
import { besideAnswers } from "./wake.ts";

export interface HttpAppOptions {
  /** Bearer token that `POST /drain` and `GET /stats` want. Without one both are closed. */
  readonly token?: string | undefined;
  /** Bearer token that opens `POST /wake`, which the other one opens too, and nothing else. Default: none. */
  readonly wakeToken?: string | undefined;
  /** More tokens, each with what it opens: several at once for rotation, and `operate` for `operations()`. Default: none. */
  readonly tokens?: readonly HttpToken[] | undefined;
  /** Routes to serve beside: `[operations()]`. Default: none. */
  readonly routes?: readonly HttpRoutes[] | undefined;
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
  tokens: tokensKind,
  routes: routesKind,
  budgetMs: integer({ min: 1, max: 86_400_000, default: 25_000 }),
  signal: object({ methods: ["addEventListener"], wanted: "an AbortSignal" }),
  receiveHop: func(),
} satisfies Kinds<HttpAppOptions>;

const bodyBytesMax = 4_096;

/** A route that every host serves. Several of one path are asked in turn, until one answers. */
export interface BaseRoute {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly answer: Answering;
}

/** The routes that every host serves, what others are given to work with, and those others. Throws `OptionError`. */
export function baseRoutes(
  drain: ServedDrain,
  options: HttpAppOptions,
  countWrong: WrongTokens,
): { base: readonly BaseRoute[]; context: RoutesContext; routes: readonly HttpRoutes[] } {
  checkDrain(drain);
  const checked = checkOptions(kinds, options);
  const { token, wakeToken, tokens = [], routes = [], budgetMs, signal, receiveHop } = checked;
  const access = accessBy(
    [{ token, scopes: ["drain", "read"] }, { token: wakeToken, scopes: ["wake"] }, ...tokens],
    countWrong,
  );
  const run = (wanted: RunOptions) => drain.run(signal ? { ...wanted, signal } : wanted);
  const wishes = {
    budgetMs: integer({ min: 1, max: budgetMs, default: budgetMs }),
    maxMessages: integer({ min: 1 }),
  } satisfies Kinds<Pick<RunOptions, "budgetMs" | "maxMessages">>;
  const beside = besideAnswers(() => run({ budgetMs, chain: newChain() }).catch(answerFailure));

  const drainNow: Answering = async ({ request, waitUntil }) => {
    const given = await readJson(request, bodyBytesMax);
    const wanted = asked(() => checkOptions(wishes, given, "body")) as RunOptions;
    if (waitUntil && /\brespond-async\b/i.test(request.headers.get("prefer") ?? "")) {
      const running = run({ ...wanted, chain: newChain() });
      waitUntil(running.catch((error: unknown) => logError("a drain could not run.", error)));
      return Response.json(
        { status: "started" },
        { status: 202, headers: { "Preference-Applied": "respond-async" } },
      );
    }
    const report = await run(wanted);
    if (report.stopped !== "error") return Response.json(reportAsJson(report));
    return problem(502, "The drain ended in an error, as its report says.", {}, reportAsJson(report));
  };
  const wake: Answering = async (call) => {
    const said = (await drain.wake?.()) ?? beside(call);
    if (!said) return problem(501, "Give the drain a continuation, or POST /drain.");
    return said.wakeError
      ? answerFailure(said.wakeError)
      : Response.json({ woken: said.woken }, { status: 202 });
  };
  const opened =
    (scope: HttpScope, answer: Answering): Answering =>
    async (call) =>
      (await access.refusal(call.request, scope)) ?? answer(call);

  const base: BaseRoute[] = [
    { method: "GET", path: "/health", answer: async () => Response.json({ status: "ok" }) },
    {
      method: "GET",
      path: "/stats",
      answer: opened("read", async () => Response.json({ list: drain.list, stats: await drain.stats() })),
    },
    { method: "POST", path: "/drain", answer: opened("drain", drainNow) },
    { method: "POST", path: "/wake", answer: opened("wake", wake) },
  ];
  if (receiveHop) {
    const takesOthers = token !== undefined || tokens.length > 0;
    const answer = takeHops({
      drain,
      receiveHop,
      run: async (chain) => run({ budgetMs, chain }),
      takesOthers,
    });
    base.unshift({ method: "POST", path: "/drain", answer });
  }
  return { base, routes, context: { ...access, drain, budgetMs, signal } };
}

/** What a path is answered that is not served, or not by this method. */
export function refuseOthers(methods: readonly string[]): Response {
  if (methods.length === 0) return problem(404, "There is nothing here.");
  const Allow = [...new Set(methods)].join(", ");
  return problem(405, `Only ${Allow} is served here.`, { Allow });
}
