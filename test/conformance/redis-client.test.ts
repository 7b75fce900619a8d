import { Redis } from "ioredis";
import { createClient } from "redis";
import { expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { nodeRedis } from "../../adapters/redis/node-redis.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { upstash as upstashByFetch } from "../../adapters/redis/upstash-fetch.ts";
import { OptionError } from "../../src/index.ts";
import { startRest, testToken, upstashTo } from "../support/redis.ts";
import { redisClientConformance } from "./redis-client.ts";

redisClientConformance("upstash", {
  open: upstashTo,
  openTo: (port) => upstash({ url: `http://127.0.0.1:${port}`, token: testToken }),
});

redisClientConformance("upstash by fetch alone", {
  open: async (server) => {
    const rest = await startRest(server);
    const client = upstashByFetch({ url: rest.url, token: testToken });
    return { ...bound(client), close: () => rest.close() };
  },
  openTo: (port) => upstashByFetch({ url: `http://127.0.0.1:${port}`, token: testToken }),
});

redisClientConformance("ioredis", {
  open: async (server) => ioredis({ url: server.url }),
  openTo: (port) => ioredis({ url: `redis://127.0.0.1:${port}` }),
});

redisClientConformance("ioredis, an instance with its own defaults,", {
  open: async (server) => {
    const redis = new Redis(server.url);
    const client = ioredis(redis);
    return { ...bound(client), close: async () => redis.disconnect() };
  },
});

redisClientConformance("node-redis", {
  open: async (server) => nodeRedis({ url: server.url }),
  openTo: (port) => nodeRedis({ url: `redis://127.0.0.1:${port}` }),
});

redisClientConformance("node-redis, an instance not yet connected,", {
  open: async (server) => {
    const redis = createClient({ url: server.url });
    const client = nodeRedis(redis as unknown as Parameters<typeof nodeRedis>[0]);
    return { ...bound(client), close: async () => redis.destroy() };
  },
});

redisClientConformance("memory", { open: async () => memory() });

it.each([
  () => ioredis({ url: "http://x" }),
  () => nodeRedis({ url: "" }),
  () => ioredis(new Redis({ lazyConnect: true, keyPrefix: "p:" })),
])("refuses at construction what cannot work", (make) => {
  expect(make).toThrow(OptionError);
});

function bound(client: ReturnType<typeof memory> | ReturnType<typeof ioredis>) {
  return {
    name: client.name,
    command: client.command.bind(client),
    pipeline: client.pipeline.bind(client),
  };
}
