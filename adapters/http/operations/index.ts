import { honoRoutes } from "../hono-routes.ts";
import type { HttpRoutes } from "../routes.ts";
import { controlOperations } from "./control.ts";
import { deadLetterOperations } from "./dead-letters.ts";
import { operatedDrains } from "./drains.ts";
import { messageOperations } from "./messages.ts";
import { openApiOperation } from "./openapi.ts";
import { serveOperation } from "./operation.ts";
import { watchOperations } from "./watch.ts";

/**
 * Routes to operate lists by: push, look at messages, leases and dead letters, redrive, purge, recover, pause, resume, limits,
 * metrics, events, a check of Redis, and `GET /openapi.json`, which describes them. Those that change anything want a token
 * with the scope `operate`, those that look one with `read`. They work on a drain of `createDrain` or `createSpillway`.
 *
 * @example
 * createHttpApp(drain, { tokens: [{ token, scopes: ["operate"] }], routes: [operations()] });
 */
export function operations(): HttpRoutes {
  return honoRoutes((app, given) => {
    const drains = operatedDrains(given.drain);
    const own = [
      ...messageOperations,
      ...deadLetterOperations,
      ...controlOperations,
      ...watchOperations(given, drains),
    ];
    for (const one of [...own, openApiOperation(own)]) serveOperation(app, one, given, drains);
  });
}
