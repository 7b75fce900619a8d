import { answerFailure } from "../../http/failure.ts";
import { type DrainChainClass, drainChainClass } from "./drain-chain.ts";
import { answerHttp } from "./http.ts";
import {
  type CloudflareHandlerOptions,
  type CloudflareSettings,
  type DrainOfEnv,
  readOptions,
} from "./options.ts";
import { readQueueBatch } from "./queue-continuation.ts";
import { beginElsewhere, openDrain } from "./run.ts";
import type { ExecutionContext, QueueBatch } from "./types.ts";

/** The handlers that a Worker exports by default, and the Durable Object class that it exports by name. */
export interface CloudflareHandler<Env> {
  fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response>;
  scheduled(controller: unknown, env: Env, context?: unknown): Promise<void>;
  queue(batch: QueueBatch, env: Env, context?: unknown): Promise<void>;
  readonly DrainChain: DrainChainClass<Env>;
}

/**
 * A drain as a Cloudflare Worker: HTTP, cron, Queue messages and Durable Object alarms, each held to its own limits.
 * Everything is read from `env` when it is called. Throws `OptionError` for bad options; a drain's options are checked
 * when `env` is there.
 *
 * @example
 * const { DrainChain, ...handlers } = cloudflareHandler((env: Env) => ({
 *   redis: upstash({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
 *   list: "emails",
 *   handler: async (message) => { await send(message.value); },
 * }));
 * export { DrainChain };
 * export default handlers;
 */
export function cloudflareHandler<Env, Value = unknown>(
  drain: DrainOfEnv<Env, Value>,
  options: CloudflareHandlerOptions<Env> = {},
): CloudflareHandler<Env> {
  const settings = readOptions(drain, options);
  return {
    // What `env` lacks is logged, and answered, as whatever else cannot be served.
    fetch: (request, env, context) => answerHttp(settings, request, env, context).catch(answerFailure),
    scheduled: (_controller, env) => tick(settings, env),
    queue: (batch, env) => takeHops(settings, batch, env),
    DrainChain: drainChainClass(settings),
  };
}

async function tick<Env>(settings: CloudflareSettings<Env>, env: Env): Promise<void> {
  const opened = openDrain(settings, env, "cron");
  if (!(await beginElsewhere(opened))) await opened.drain.run();
}

/** Several hops in one batch need one drain. Acknowledged after it, so that one whose invocation dies is delivered again. */
async function takeHops<Env>(settings: CloudflareSettings<Env>, batch: QueueBatch, env: Env): Promise<void> {
  const { hops, strangers } = readQueueBatch(batch);
  for (const stranger of strangers) {
    console.error("Spillway: a message of this Queue is no hop; it is left to the Queue's retries.");
    stranger.retry();
  }
  const [first] = hops;
  if (!first) return;
  const { drain } = openDrain(settings, env, "queue");
  // A hop of another list, since this Worker has been given a new one, begins a chain of its own.
  await drain.run(first.hop.list === drain.list ? { chain: first.hop.chain } : {});
  for (const { message } of hops) message.ack();
}
