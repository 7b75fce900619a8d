import { Redis } from "ioredis";
import { expect, it } from "vitest";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { OptionError } from "../../src/index.ts";
import { withClose } from "../support/redis.ts";
import { useRedisServer } from "../support/redis-under-test.ts";
import { redisClientConformance } from "./redis-client.ts";
import { engineConformance } from "./suites.ts";

const redis = useRedisServer();
const open = ({ url }: RedisServer) => ioredis({ url });

redisClientConformance("ioredis", redis, {
  open,
  openTo: (port) => ioredis({ url: `redis://127.0.0.1:${port}` }),
});

redisClientConformance("ioredis, an instance with its own defaults,", redis, {
  open: ({ url }) => {
    const instance = new Redis(url);
    return withClose(ioredis(instance), async () => instance.disconnect());
  },
});

engineConformance("ioredis", redis, open);

it.each([
  () => ioredis({ url: "http://x" }),
  () => ioredis(new Redis({ lazyConnect: true, keyPrefix: "p:" })),
])("refuses at construction what cannot work", (make) => {
  expect(make).toThrow(OptionError);
});

it.each([
  ["its own", () => ioredis({ url: `${redis.server().url}/99` })],
  ["an instance's", () => ioredis(new Redis(`${redis.server().url}/99`, { lazyConnect: true }))],
])("refuses a database that Redis does not have, %s, and uses no other", async (_, make) => {
  const client = make();
  await expect(client.command(["LPUSH", "q", "a"])).rejects.toThrow(/DB index is out of range/);
  await client.close();
  const first = open(redis.server());
  expect(await first.command(["LLEN", "q"])).toBe(0);
  await first.close();
});
