import { Queue } from "@upstash/queue";
import { Redis } from "@upstash/redis";
import { Redis as TcpRedis } from "ioredis";
import { type Peer, queueName } from "./types.ts";

const stream = `UpstashMQ:${queueName}`;
/** Its own limit. */
const consumerCount = 5;

/** `@upstash/queue`, which verifies here only after the handler, by five consumers at once. */
export const upstashQueue: Peer = {
  transport: "rest",
  async fill({ redisUrl }, payloads) {
    const redis = new TcpRedis(redisUrl, { protocol: 2 });
    await redis.xgroup("CREATE", stream, "Messages", "$", "MKSTREAM");
    for (let at = 0; at < payloads.length; at += 1_000) {
      const pipeline = redis.pipeline();
      for (const payload of payloads.slice(at, at + 1_000)) {
        pipeline.xadd(stream, "*", "messageBody", JSON.stringify(payload));
      }
      await pipeline.exec();
    }
    redis.disconnect();
  },
  async consume({ url, token }, { handler, count }) {
    const redis = new Redis({ url, token, enableAutoPipelining: false });
    let begun = 0;
    await Promise.all(
      Array.from({ length: consumerCount }, async () => {
        // It brings its own, older client, of another type and the same methods.
        const queue = new Queue({ redis: redis as never, queueName, concurrencyLimit: 1, autoVerify: false });
        while (begun < count) {
          begun++;
          const message = await queue.receiveMessage<string>();
          if (!message) throw new Error("The stream ended early.");
          await handler(message.body as string);
          await queue.verifyMessage(message.streamId);
        }
      }),
    );
  },
};
