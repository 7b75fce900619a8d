import type { RedisServer } from "../../adapters/local/redis-process.ts";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { nodeRedis } from "../../adapters/redis/node-redis.ts";
import type { RedisClient } from "../../src/index.ts";
import { startTestRedis, upstashTo } from "../support/redis.ts";
import { engineConformance } from "./engine.ts";

const clients: Record<string, (server: RedisServer) => Promise<RedisClient>> = {
  "upstash over REST": upstashTo,
  ioredis: async (server) => ioredis({ url: server.url }),
  "node-redis": async (server) => nodeRedis({ url: server.url }),
};

for (const engine of ["scripted", "plain"] as const) {
  for (const [name, openClient] of Object.entries(clients)) {
    engineConformance(`the ${engine} engine over ${name}`, {
      engine,
      startServer: startTestRedis,
      openClient,
    });
  }
}
