import type { ReceiveHop } from "../../../src/index.ts";
import { createHttpApp } from "../../http/app.ts";
import type { CloudflareSettings } from "./options.ts";
import { beginElsewhere, type InvokedDrain, openDrain } from "./run.ts";
import { serviceBindingReceiver } from "./service-binding-continuation.ts";
import type { ExecutionContext } from "./types.ts";

/** What it may have taken to know a hop: its nonce, asked for twice. */
const requestsToReceive = 2;

/**
 * The routes of `createHttpApp`. `POST /drain` answers with the report or, asked with `Prefer: respond-async`, 202 as
 * soon as the drain begins. Either way the drain goes on for what is left of its budget when the caller hangs up.
 */
export async function answerHttp<Env>(
  settings: CloudflareSettings<Env>,
  request: Request,
  env: Env,
  context: ExecutionContext,
): Promise<Response> {
  const token = settings.token(env);
  let tellBegun: () => void = () => undefined;
  const begun = new Promise<null>((resolve) => {
    tellBegun = () => resolve(null);
  });
  let opened: InvokedDrain | undefined;
  // Opened only for who may: what `env` lacks then takes down neither `/health` nor the answer to a stranger.
  const open = (): InvokedDrain => {
    opened ??= openDrain(settings, env, "http", {
      requestsSpent: settings.receiveHop ? requestsToReceive : 0,
    });
    return opened;
  };
  const app = createHttpApp(
    {
      get list() {
        return open().drain.list;
      },
      stats: () => open().drain.stats(),
      wake: async () => ((await beginElsewhere(open())) ? { woken: true, wakeError: null } : null),
      run: (options) => {
        const { drain } = open();
        tellBegun();
        return drain.run(options);
      },
    },
    {
      budgetMs: settings.budgetMs.http,
      token,
      wakeToken: settings.wakeToken(env),
      receiveHop: receiverOf(settings, env, token),
    },
  );
  const answer = Promise.resolve(app.fetch(request, undefined, context as never));
  context.waitUntil(answer);
  const isAsync = /\brespond-async\b/i.test(request.headers.get("prefer") ?? "");
  const first = isAsync ? await Promise.race([answer, begun]) : await answer;
  return (
    first ?? Response.json({ status: "started" }, { status: 202, headers: { "Cache-Control": "no-store" } })
  );
}

/** The Worker's own hops by service binding, and those of the receiver that it is given. */
function receiverOf<Env>(
  settings: CloudflareSettings<Env>,
  env: Env,
  token: string | undefined,
): ReceiveHop | undefined {
  const own = token === undefined ? undefined : serviceBindingReceiver(token);
  const { receiveHop } = settings;
  if (!receiveHop) return own;
  return async (request) => (await own?.(request)) ?? receiveHop(request, env);
}
