/**
 * A drain as a Cloudflare Worker: `cloudflareHandler((env) => ({ redis, list, handler }))`; it goes on by Durable Object
 * alarms.
 *
 * @module
 */
export { figuresOf } from "../../http/figures.ts";
export { type AlarmContinuation, alarmContinuation } from "./alarm-continuation.ts";
export type { DrainChainClass } from "./drain-chain.ts";
export { type CloudflareHandler, cloudflareHandler } from "./handler.ts";
export type { CloudflareHandlerOptions, DrainOfEnv, EndedDrain, Invocation, Trigger } from "./options.ts";
export { queueContinuation } from "./queue-continuation.ts";
export { serviceBindingContinuation } from "./service-binding-continuation.ts";
export type {
  ExecutionContext,
  ObjectNamespace,
  ObjectState,
  QueueBatch,
  QueueProducer,
  Service,
} from "./types.ts";
