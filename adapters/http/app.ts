import type { Hono } from "hono";
import { baseRoutes, type HttpAppOptions } from "./base-routes.ts";
import { handlerOf, newApp, refuseOtherMethods } from "./hono.ts";
import type { ServedDrain } from "./routes.ts";
import { countWrongTokens } from "./tokens.ts";

/**
 * A drain over HTTP, for every host that serves Hono: `POST /drain` runs it and answers with the report, or with 202 as soon as it
 * runs (`Prefer: respond-async`, where the platform gives a `waitUntil`), `POST /wake` has one begin, `GET /stats` tells where
 * the messages are, `GET /health` that the process is up. A caller who hangs up does not cut the drain short. Errors are problem
 * details (RFC 9457). `countWrong` counts wrong tokens; a process that makes an app for each request gives all the same one.
 * Throws `OptionError` for bad options.
 */
export function createHttpApp(
  drain: ServedDrain,
  options: HttpAppOptions = {},
  countWrong = countWrongTokens(),
): Hono {
  const { base, context, routes } = baseRoutes(drain, options, countWrong);
  const app = newApp();
  for (const { method, path, answer } of base) app.on(method, path, handlerOf(answer));
  for (const one of routes) one.addTo(app, context);
  refuseOtherMethods(app);
  return app;
}
