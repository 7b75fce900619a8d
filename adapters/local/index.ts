/** The local parts: the in-memory store, and the REST server in front of it or of a real Redis. @module */
export type { Backend, BackendListener } from "./backend.ts";
export { memory } from "./memory.ts";
export { redisBackend } from "./redis-backend.ts";
export { createRestApp, type RestAppOptions } from "./rest-app.ts";
export { type RestServer, type RestServerOptions, startRestServer } from "./rest-server.ts";
