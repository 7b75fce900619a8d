import type { Context, MiddlewareHandler } from "hono";
import { Hono } from "hono";
import { refuseOthers } from "./base-routes.ts";
import type { Answering, Call } from "./call.ts";
import { answerFailure } from "./failure.ts";

/** An app as all of ours are: failures and what is not there are problems, and nothing is stored on the way. */
export function newApp(): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    context.header("Cache-Control", "no-store");
  });
  app.onError(answerFailure);
  app.notFound(() => refuseOthers([]));
  return app;
}

/** Refuses what is asked of the app's paths by other methods: called when all its routes are there. */
export function refuseOtherMethods(app: Hono): void {
  const served = app.routes.filter(({ method }) => method !== "ALL");
  for (const path of new Set(served.map((one) => one.path))) {
    const methods = served.filter((one) => one.path === path).map(({ method }) => method);
    app.all(path, () => refuseOthers(methods));
  }
}

/** A handler of ours as Hono takes it. */
export function handlerOf(answer: Answering): MiddlewareHandler {
  return async (context, next) => (await answer(callOf(context))) ?? next();
}

/** The call that Hono's context is about; Hono's own getter throws where the platform has given nothing to wait by. */
export function callOf(context: Context): Call {
  const request = context.req.raw;
  try {
    const platform = context.executionCtx;
    return { request, waitUntil: (promise) => platform.waitUntil(promise) };
  } catch {
    return { request, waitUntil: undefined };
  }
}
