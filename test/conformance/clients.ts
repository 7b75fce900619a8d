import type { RedisServer } from "../../adapters/local/redis-process.ts";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { nodeRedis } from "../../adapters/redis/node-redis.ts";
import type { RedisClient } from "../../src/index.ts";
import { startTestRedis, upstashTo } from "../support/redis.ts";
import type { EngineUnderTest } from "./engine.ts";

const clients: Record<string, (server: RedisServer) => Promise<RedisClient>> = {
  "upstash over REST": upstashTo,
  ioredis: async (server) => ioredis({ url: server.url }),
  "node-redis": async (server) => nodeRedis({ url: server.url }),
};

/** Runs a suite with every engine over every client. */
export function withEveryEngine(
  suite: (name: string, under: EngineUnderTest) => void,
  engines: readonly EngineUnderTest["engine"][] = ["scripted", "plain"],
): void {
  for (const engine of engines) {
    for (const [name, openClient] of Object.entries(clients)) {
      suite(`the ${engine} engine over ${name}`, { engine, startServer: startTestRedis, openClient });
    }
  }
}
