/** A drain over HTTP: a Hono app for every host, and the routes that it may serve beside its own. */
export { createHttpApp } from "./app.ts";
export type { HttpAppOptions } from "./base-routes.ts";
export { honoRoutes } from "./hono-routes.ts";
export { countEvents, type EventCounts } from "./operations/event-counts.ts";
export { type OperationsOptions, operations } from "./operations/index.ts";
export type { Metric } from "./operations/metrics.ts";
export { reportAsJson } from "./report.ts";
export type { HttpRoutes, RoutesContext, ServedDrain } from "./routes.ts";
export type { Access, HttpScope, HttpToken, WrongTokens } from "./tokens.ts";
