import { Redis } from "@upstash/redis";
import { fillList } from "./lists.ts";
import { type Peer, queueName } from "./types.ts";

/**
 * What a careful hand makes of it: batches in pipelines, the settle of one with the claim of the next. No leases, no
 * fence, nothing that could be repeated. `LREM` looks from the head, or, as OffBroadway.Redis does, from the tail.
 */
export function pipelined(lremCount: 1 | -1): Peer {
  return {
    transport: "rest",
    fill: fillList,
    async consume({ url, token }, { handler, concurrency, batchSize = 100 }) {
      const redis = new Redis({ url, token, automaticDeserialization: false, enableAutoPipelining: false });
      let done: string[] = [];
      for (;;) {
        const pipeline = redis.pipeline();
        for (const payload of done) pipeline.lrem("working", lremCount, payload);
        for (let at = 0; at < batchSize; at++) pipeline.lmove(queueName, "working", "right", "left");
        const replies = (await pipeline.exec()) as (string | number | null)[];
        const batch = replies.slice(done.length).filter((payload) => payload !== null) as string[];
        if (batch.length === 0) return;
        const waiting = [...batch];
        await Promise.all(
          Array.from({ length: concurrency }, async () => {
            for (let payload = waiting.pop(); payload !== undefined; payload = waiting.pop())
              await handler(payload);
          }),
        );
        done = batch;
      }
    },
  };
}
