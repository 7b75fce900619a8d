import type { ReceiveHop } from "../../../src/index.ts";
import { plainApp } from "../../http/plain-app.ts";
import type { CloudflareSettings } from "./options.ts";
import { beginElsewhere, type InvokedDrain, openDrain } from "./run.ts";
import { serviceBindingReceiver } from "./service-binding-continuation.ts";
import type { ExecutionContext } from "./types.ts";

/** Requests that recognising a hop may have cost: its nonce, asked for twice. */
const requestsToReceive = 2;

/**
 * The routes of `createHttpApp`. `POST /drain` answers with the report or, for a request with `Prefer: respond-async`, with 202 as
 * soon as the drain begins. In both cases the drain goes on until the end of its budget when the caller hangs up.
 */
export async function answerHttp<Env>(
  settings: CloudflareSettings<Env>,
  request: Request,
  env: Env,
  context: ExecutionContext,
): Promise<Response> {
  const token = settings.token(env);
  let opened: InvokedDrain | undefined;
  // Opened only for authorised callers, so that something missing in `env` does not break `/health` or the answers to others.
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

/** Receives the Worker's own hops by service binding, and those of the configured receiver. */
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
