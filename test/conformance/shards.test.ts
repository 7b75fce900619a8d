import { describe, expect, it } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { nodeRedis } from "../../adapters/redis/node-redis.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { createDrain } from "../../src/index.ts";
import { testToken as token } from "../support/redis.ts";
import { useClient, useMemory, useRestServer, useTestCluster } from "../support/redis-under-test.ts";
import { list } from "./setup.ts";
import { shardsSuite } from "./shards.ts";

const rest = useRestServer();
const cluster = useTestCluster();
const memory = useMemory();

describe("over the embedded store", () => {
  const client = useClient(memory, async (store) => store);
  shardsSuite({ client, keys: () => memory.door.redis.keys("*") });
});

describe("over REST", () => {
  const client = useClient(rest, ({ url }) => upstash({ url, token }));
  shardsSuite({ client, keys: () => rest.door.redis.keys("*") });

  it("an idle tick costs one command, and two when a process begins", async () => {
    const drain = createDrain({ redis: client(), list, shards: 100, handler: () => undefined });
    await drain.push("first");
    await drain.run();
    expect(await drain.run()).toMatchObject({ requests: 1, commands: 1, stopped: "empty" });
    const fresh = createDrain({ redis: client(), list, shards: 100, handler: () => undefined });
    expect(await fresh.run()).toMatchObject({ requests: 2, commands: 2, stopped: "empty" });
  });
});

describe.each([
  ["ioredis", ioredis],
  ["node-redis", nodeRedis],
])("over %s on a cluster", (_, open) => {
  const client = useClient(cluster, (at) => open({ url: at.urlAwayFrom(list), cluster: true }));
  const keys = async (): Promise<string[]> => {
    const found = cluster.server().masters.map(({ door }) => door.redis.keys("*"));
    return (await Promise.all(found)).flat();
  };
  shardsSuite({ client, keys });

  it("is on all nodes, and an idle tick costs one pipeline", async () => {
    const drain = createDrain({ redis: client(), list, shards: 12, handler: () => undefined });
    await drain.push(Array.from({ length: 24 }, (_item, at) => `m${at}`));
    for (const { door } of cluster.server().masters) expect(await door.redis.dbsize()).toBeGreaterThan(0);
    expect(await drain.run()).toMatchObject({ acked: 24, stopped: "empty" });
    // The list itself, and each shard.
    expect(await drain.run()).toMatchObject({ requests: 1, commands: 13, stopped: "empty" });
  });
});
