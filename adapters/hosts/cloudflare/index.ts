/** A drain as a Cloudflare Worker: `worker({ drain: (env) => … })`; it goes on by Durable Object alarms. */
export { type AlarmChain, alarmChain } from "./alarm-chain.ts";
export type { DrainChainClass } from "./drain-chain.ts";
export type { EndedDrain, Invocation, Trigger, WorkerOptions } from "./options.ts";
export { queueChain } from "./queue-chain.ts";
export { serviceBinding } from "./service-binding.ts";
export type {
  ExecutionContext,
  ObjectNamespace,
  ObjectState,
  QueueBatch,
  QueueProducer,
  Service,
} from "./types.ts";
export { type SpillwayWorker, worker } from "./worker.ts";
