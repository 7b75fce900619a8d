import { createClient } from "redis";
import { expect, it } from "vitest";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import { nodeRedis } from "../../adapters/redis/node-redis.ts";
import { OptionError } from "../../src/index.ts";
import { withClose } from "../support/redis.ts";
import { useRedisServer } from "../support/redis-under-test.ts";
import { redisClientConformance } from "./redis-client.ts";

const redis = useRedisServer();
const open = ({ url }: RedisServer) => nodeRedis({ url });

redisClientConformance("node-redis", redis, {
  open,
  openTo: (port) => nodeRedis({ url: `redis://127.0.0.1:${port}` }),
});

redisClientConformance("node-redis, an instance not yet connected,", redis, {
  open: ({ url }) => {
    const instance = createClient({ url });
    const client = nodeRedis(instance as unknown as Parameters<typeof nodeRedis>[0]);
    return withClose(client, async () => instance.destroy());
  },
});

it("refuses at construction what cannot work", () => {
  expect(() => nodeRedis({ url: "" })).toThrow(OptionError);
});

it("refuses a database that Redis does not have, and uses no other", async () => {
  const client = nodeRedis({ url: `${redis.server().url}/99` });
  await expect(client.command(["LPUSH", "q", "a"])).rejects.toThrow(/DB index is out of range/);
  await client.close();
  const first = open(redis.server());
  expect(await first.command(["LLEN", "q"])).toBe(0);
  await first.close();
});
