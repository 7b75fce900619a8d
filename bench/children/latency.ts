/**
 * How long messages take from push to handled while they come at a steady rate and the peer runs all the time. Usage:
 * latency.ts <order as JSON>
 */
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { createDrain } from "../../src/index.ts";
import { bullmq, connectionTo } from "../peers/bullmq.ts";
import { type Place, queueName } from "../peers/types.ts";

export interface LatencyOrder {
  readonly peer: "Spillway, REST" | "Spillway, TCP" | "BullMQ";
  readonly place: Place;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

const { peer, place, perSecond, seconds } = JSON.parse(process.argv[2] as string) as LatencyOrder;
const side = new Redis(place.redisUrl, { protocol: 2 });
await side.flushall();
const count = perSecond * seconds;
const times: number[] = [];
const handler = (payload: string): void => {
  times.push(performance.now() - Number(payload));
};

if (peer === "BullMQ") {
  const consumed = bullmq.consume(place, { count, concurrency: 10, handler });
  const queue = new Queue(queueName, { connection: connectionTo(place.redisUrl) });
  await queue.waitUntilReady();
  await produce((payload) => queue.add("message", payload, { removeOnComplete: true }));
  await consumed;
} else {
  const redis =
    peer === "Spillway, TCP" ? ioredis({ url: place.url }) : upstash({ url: place.url, token: place.token });
  const drain = createDrain({ redis, list: queueName, handler: ({ payload }) => handler(payload) });
  const produced = produce((payload) => side.lpush(queueName, payload));
  while (times.length < count) {
    const { error } = await drain.run();
    if (error) throw error;
  }
  await produced;
}
times.sort((a, b) => a - b);
const at = (share: number): number => times[Math.floor(times.length * share)] as number;
process.send?.({ p50: at(0.5), p99: at(0.99) } satisfies Latency);
process.exit();

async function produce(push: (payload: string) => Promise<unknown>): Promise<void> {
  const startedAt = performance.now();
  for (let pushed = 0; pushed < count; pushed++) {
    const waitMs = startedAt + (pushed * 1_000) / perSecond - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    void push(String(performance.now()));
  }
}
