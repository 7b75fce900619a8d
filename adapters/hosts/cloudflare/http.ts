import type { ReceiveHop } from "../../../src/index.ts";
import { plainApp } from "../../http/plain-app.ts";
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
  let opened: InvokedDrain | undefined;
  // Opened only for who may: what `env` lacks then takes down neither `/health` nor the answer to a stranger.
  const open = (): InvokedDrain => {
    opened ??= openDrain(settings, env, "http", {
      requestsSpent: settings.receiveHop ? requestsToReceive : 0,
    });
    return opened;
  };
  const answerCall = plainApp(
    {
      get list() {
        return open().drain.list;
      },
      stats: () => open().drain.stats(),
      wake: async () => ((await beginElsewhere(open())) ? { woken: true, wakeError: null } : null),
      run: (options) => open().drain.run(options),
      opened: () => open().drain,
    },
    {
      budgetMs: settings.budgetMs.http,
      token,
      wakeToken: settings.wakeToken(env),
      tokens: settings.tokens?.(env),
      routes: settings.routes,
      receiveHop: receiverOf(settings, env, token),
    },
    settings.countWrong,
  );
  const answer = answerCall({ request, waitUntil: (promise) => context.waitUntil(promise) });
  context.waitUntil(answer);
  return answer;
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
