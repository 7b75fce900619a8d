import type { ChainPosition, Drain } from "../../../src/index.ts";
import { createHttpApp } from "../../http/app.ts";
import type { WorkerSettings } from "./options.ts";
import { openDrain } from "./run.ts";
import { chainHeader } from "./service-binding.ts";
import type { ExecutionContext } from "./types.ts";

/** What it may have taken to know a hop: its nonce, asked for twice. */
const requestsToReceive = 2;

/**
 * The routes of `createHttpApp`. `POST /drain` answers with the report or, asked with `Prefer: respond-async`, 202 as
 * soon as the drain begins. Either way the drain goes on for what is left of its budget when the caller hangs up.
 */
export async function answerHttp<Env>(
  settings: WorkerSettings<Env>,
  request: Request,
  env: Env,
  context: ExecutionContext,
): Promise<Response> {
  const chain = readChain(request.headers.get(chainHeader));
  if (chain === "unreadable") return failure(400, `${chainHeader} must be an id and a hop.`);
  const token = settings.token(env);
  if (settings.receiveHop && request.method === "POST") {
    let hop: ChainPosition | null;
    try {
      hop = await settings.receiveHop(request.clone() as Request, env);
    } catch (error) {
      console.error("Spillway: receiveHop threw; the call is refused.", error);
      return failure(503, "It cannot be told now whether this call is a hop.");
    }
    if (hop) return takeHop(settings, env, context, hop);
    if (token === undefined) return failure(401, "This call has not proved to be a hop.");
  }
  let tellBegun: () => void = () => undefined;
  const begun = new Promise<null>((resolve) => {
    tellBegun = () => resolve(null);
  });
  let opened: Drain | undefined;
  const open = (): Drain => {
    opened ??= openOrLog(settings, env, { chain });
    return opened;
  };
  const app = createHttpApp(
    {
      get list() {
        return open().list;
      },
      stats: () => open().stats(),
      run: (options) => {
        const drain = open();
        tellBegun();
        return drain.run(options);
      },
    },
    { budgetMs: settings.budgetMs.http, ...(token === undefined ? {} : { token }) },
  );
  const answer = Promise.resolve(app.fetch(request));
  context.waitUntil(answer);
  const isAsync = /\brespond-async\b/i.test(request.headers.get("prefer") ?? "");
  const first = isAsync ? await Promise.race([answer, begun]) : await answer;
  return first ?? accepted();
}

function takeHop<Env>(
  settings: WorkerSettings<Env>,
  env: Env,
  context: ExecutionContext,
  chain: ChainPosition,
): Response {
  let drain: Drain;
  try {
    drain = openOrLog(settings, env, { chain, requestsSpent: requestsToReceive });
  } catch {
    return failure(503, "The drain cannot be made.");
  }
  context.waitUntil(drain.run());
  return accepted();
}

/** Opened only for who may: what `env` lacks then takes down neither `/health` nor the answer to a stranger. */
function openOrLog<Env>(
  settings: WorkerSettings<Env>,
  env: Env,
  given: { readonly chain: ChainPosition | undefined; readonly requestsSpent?: number },
): Drain {
  try {
    return openDrain(settings, env, "http", given).drain;
  } catch (error) {
    console.error("Spillway: the drain cannot be made.", error);
    throw error;
  }
}

function failure(status: number, error: string): Response {
  return answerOnce(status, { error });
}

function accepted(): Response {
  return answerOnce(202, { accepted: true });
}

/** An answer that no cache keeps. */
function answerOnce(status: number, body: object): Response {
  return Response.json(body, { status, headers: { "Cache-Control": "no-store" } });
}

function readChain(header: string | null): ChainPosition | "unreadable" | undefined {
  if (header === null) return undefined;
  const [, id, hop] = /^([\w-]{1,200}) (\d{1,9})$/.exec(header) ?? [];
  return id === undefined ? "unreadable" : { id, hop: Number(hop) };
}
