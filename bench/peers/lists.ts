import { Redis } from "ioredis";
import { type Place, queueName } from "./types.ts";

/** Pushes to a plain list, the first payload first to come out. */
export async function fillList({ redisUrl }: Place, payloads: readonly string[], key = queueName) {
  const redis = new Redis(redisUrl, { protocol: 2 });
  for (let at = 0; at < payloads.length; at += 1_000)
    await redis.lpush(key, ...payloads.slice(at, at + 1_000));
  redis.disconnect();
}
