import { checkOptions, type Kinds, object } from "../../../src/internals.ts";
import { honoRoutes } from "../hono-routes.ts";
import type { HttpRoutes } from "../routes.ts";
import { controlOperations } from "./control.ts";
import { deadLetterOperations } from "./dead-letters.ts";
import { operatedDrains } from "./drains.ts";
import type { EventCounts } from "./event-counts.ts";
import { messageOperations } from "./messages.ts";
import { openApiOperation } from "./openapi.ts";
import { serveOperation } from "./operation.ts";
import { watchOperations } from "./watch.ts";

export interface OperationsOptions {
  /** What `countEvents()` counts, for `GET /metrics`. Default: it has what `stats` tells, and no counters. */
  readonly counts?: EventCounts | undefined;
}

const kinds = {
  counts: object({ methods: ["metrics"], wanted: "what countEvents() makes" }),
} satisfies Kinds<OperationsOptions>;

/**
 * Routes to operate lists by: push, look at messages, leases and dead letters, redrive, purge, recover, pause, resume, limits,
 * metrics, events, a check of Redis, and `GET /openapi.json`, which describes them. Those that change anything want a token
 * with the scope `operate`, those that look one with `read`. They work on a drain of `createDrain` or `createSpillway`.
 *
 * @example
 * createHttpApp(drain, { tokens: [{ token, scopes: ["operate"] }], routes: [operations()] });
 */
export function operations(options: OperationsOptions = {}): HttpRoutes {
  const { counts } = checkOptions(kinds, options);
  return honoRoutes((app, given) => {
    const drains = operatedDrains(given.drain);
    const own = [
      ...messageOperations,
      ...deadLetterOperations,
      ...controlOperations,
      ...watchOperations(given, drains, counts),
    ];
    for (const one of [...own, openApiOperation(own)]) serveOperation(app, one, given, drains);
  });
}
