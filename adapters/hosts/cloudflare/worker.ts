import { isAlarmChain } from "./alarm-chain.ts";
import { type DrainChainClass, drainChainClass } from "./drain-chain.ts";
import { answerHttp } from "./http.ts";
import { readWorkerOptions, type WorkerOptions, type WorkerSettings } from "./options.ts";
import { readQueueBatch } from "./queue-chain.ts";
import { openDrain } from "./run.ts";
import type { ExecutionContext, QueueBatch } from "./types.ts";

/** The handlers that a Worker exports by default, and the Durable Object class that it exports by name. */
export interface SpillwayWorker<Env> {
  fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response>;
  scheduled(controller: unknown, env: Env, context?: unknown): Promise<void>;
  queue(batch: QueueBatch, env: Env, context?: unknown): Promise<void>;
  readonly DrainChain: DrainChainClass<Env>;
}

const beginTimeoutMs = 10_000;

/**
 * A drain as a Cloudflare Worker: HTTP, cron, Queue messages and Durable Object alarms, each held to its own limits.
 * Everything is read from `env` when it is called. Throws `OptionError` for bad options; a drain's options are checked
 * when `env` is there.
 *
 * @example
 * const { DrainChain, ...handlers } = worker({
 *   drain: (env: Env) => ({
 *     redis: upstash({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
 *     list: "emails",
 *     handler: async (message) => { await send(message.value); },
 *   }),
 * });
 * export { DrainChain };
 * export default handlers;
 */
export function worker<Env, Value = unknown>(options: WorkerOptions<Env, Value>): SpillwayWorker<Env> {
  const settings = readWorkerOptions(options);
  return {
    fetch: (request, env, context) => answerHttp(settings, request, env, context),
    scheduled: (_controller, env) => tick(settings, env),
    queue: (batch, env) => takeHops(settings, batch, env),
    DrainChain: drainChainClass(settings),
  };
}

/**
 * With an alarm chain, all that a tick does is to have the list's Durable Object begin one: no request to Redis where it
 * drains already, and all drains have an alarm's CPU time. Where the object cannot be reached the tick drains itself.
 */
async function tick<Env>(settings: WorkerSettings<Env>, env: Env): Promise<void> {
  const { drain, continuation } = openDrain(settings, env, "cron");
  if (isAlarmChain(continuation)) {
    try {
      await continuation.begin(drain.list, beginTimeoutMs);
      return;
    } catch (error) {
      console.error("Spillway: the Durable Object could not be asked; the tick drains itself.", error);
    }
  }
  await drain.run();
}

/** Several hops in one batch need one drain. Acknowledged after it, so that one whose invocation dies is delivered again. */
async function takeHops<Env>(settings: WorkerSettings<Env>, batch: QueueBatch, env: Env): Promise<void> {
  const { hops, strangers } = readQueueBatch(batch);
  for (const stranger of strangers) {
    console.error("Spillway: a message of this Queue is no hop; it is left to the Queue's retries.");
    stranger.retry();
  }
  const [first] = hops;
  if (!first) return;
  await openDrain(settings, env, "queue", { chain: first.chain }).drain.run();
  for (const { message } of hops) message.ack();
}
