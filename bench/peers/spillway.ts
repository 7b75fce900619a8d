import { ioredis } from "../../adapters/redis/ioredis.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { createDrain } from "../../src/index.ts";
import { fillList } from "./lists.ts";
import { type Peer, queueName } from "./types.ts";

/** A drain as users make it. With several chains each has its own connection, as each would have its own process. */
export function spillway(transport: "rest" | "tcp"): Peer {
  return {
    transport,
    fill: fillList,
    async consume({ url, token }, { handler, concurrency, batchSize, chains = 1, slots = chains, count }) {
      let handled = 0;
      const drains = Array.from({ length: chains }, () => {
        const redis = transport === "tcp" ? ioredis({ url }) : upstash({ url, token });
        const drain = createDrain({
          redis,
          list: queueName,
          concurrency,
          maxConcurrency: slots,
          retryDelay: () => 1,
          handler: async ({ payload }) => {
            await handler(payload);
            handled++;
          },
          ...(batchSize === undefined ? {} : { batchSize }),
        });
        return { drain, redis };
      });
      await Promise.all(
        drains.map(async ({ drain, redis }) => {
          do {
            const { error } = await drain.run({ budgetMs: 3_600_000 });
            if (error) throw error;
          } while (handled < count);
          await redis.close();
        }),
      );
    },
  };
}
