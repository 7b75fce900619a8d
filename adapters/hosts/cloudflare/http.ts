import type { ChainPosition } from "../../../src/index.ts";
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
  if (chain === "unreadable") {
    return Response.json({ error: `${chainHeader} must be an id and a hop.` }, { status: 400 });
  }
  let hop: ChainPosition | null = null;
  try {
    if (request.method === "POST") hop = await settings.receiveHop(request.clone() as Request, env);
  } catch (error) {
    console.error("Spillway: receiveHop threw; the call is refused.", error);
    return Response.json({ error: "It cannot be told now whether this call is a hop." }, { status: 503 });
  }
  const { drain } = openDrain(settings, env, "http", {
    chain: hop ?? chain,
    requestsSpent: hop ? requestsToReceive : 0,
  });
  if (hop) {
    context.waitUntil(drain.run());
    return accepted();
  }
  const token = settings.token(env);
  let tellBegun: () => void = () => undefined;
  const begun = new Promise<null>((resolve) => {
    tellBegun = () => resolve(null);
  });
  const app = createHttpApp(
    {
      ...drain,
      run: (options) => {
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

function accepted(): Response {
  return Response.json({ accepted: true }, { status: 202, headers: { "Cache-Control": "no-store" } });
}

function readChain(header: string | null): ChainPosition | "unreadable" | undefined {
  if (header === null) return undefined;
  const [, id, hop] = /^([\w-]{1,200}) (\d{1,9})$/.exec(header) ?? [];
  return id === undefined ? "unreadable" : { id, hop: Number(hop) };
}
