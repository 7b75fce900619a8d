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
