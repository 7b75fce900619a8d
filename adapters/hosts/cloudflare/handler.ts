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
 * A drain as a Cloudflare Worker: HTTP, cron, Queue messages and Durable Object alarms, each within its own limits. Everything is
 * read from `env` at each call. Throws `OptionError` for bad options; a drain's own options are checked at the first call.
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
    // What `env` lacks is logged and answered like any other failure.
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

/** Takes the hops of one batch by one drain. They are acknowledged after it, so that they are delivered again if the invocation dies. */
async function takeHops<Env>(settings: CloudflareSettings<Env>, batch: QueueBatch, env: Env): Promise<void> {
  const { hops, strangers } = readQueueBatch(batch);
  for (const stranger of strangers) {
    console.error(
      "Spillway: a message of this Queue is not a hop, and is left to the Queue's retries. Use a Queue for hops alone.",
    );
    stranger.retry();
  }
  const [first] = hops;
  if (!first) return;
  const { drain } = openDrain(settings, env, "queue");
  // A hop of another list, from before this Worker got a new one, begins a chain of its own.
  await drain.run(first.hop.list === drain.list ? { chain: first.hop.chain } : {});
  for (const { message } of hops) message.ack();
}
