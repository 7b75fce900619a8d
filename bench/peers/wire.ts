import { Redis } from "@upstash/redis";
import { Redis as TcpRedis } from "ioredis";
import { fillList } from "./lists.ts";
import { type Peer, queueName } from "./types.ts";

/**
 * The wire limit: the least that could carry the payloads, `RPOP list n` after `RPOP list n`. It acknowledges nothing and
 * loses what it has in hand when it dies.
 */
export const wireOverRest: Peer = {
  transport: "rest",
  fill: fillList,
  async consume({ url, token }, { handler, batchSize = 100 }) {
    const redis = new Redis({ url, token, automaticDeserialization: false, enableAutoPipelining: false });
    await popAll(() => redis.rpop<string[]>(queueName, batchSize), handler);
  },
};

export const wireOverTcp: Peer = {
  transport: "tcp",
  fill: fillList,
  async consume({ url }, { handler, batchSize = 100 }) {
    const redis = new TcpRedis(url, { protocol: 2 });
    await popAll(() => redis.rpop(queueName, batchSize), handler);
    redis.disconnect();
  },
};

async function popAll(
  pop: () => Promise<string[] | null>,
  handler: (payload: string) => Promise<void> | void,
): Promise<void> {
  for (let batch = await pop(); batch !== null; batch = await pop()) {
    for (const payload of batch) await handler(payload);
  }
}
