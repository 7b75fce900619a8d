import { Cluster } from "ioredis";
import { createCluster } from "redis";
import { describe, expect, it } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { nodeRedis } from "../../adapters/redis/node-redis.ts";
import {
  createDrain,
  createSpillway,
  OptionError,
  type RedisClient,
  RedisReplyError,
} from "../../src/index.ts";
import type { ClusterNode, TestCluster } from "../support/cluster.ts";
import { useClient, useTestCluster } from "../support/redis-under-test.ts";
import { redisClientConformance } from "./redis-client.ts";
import { numbered } from "./setup.ts";
import { shardsSuite } from "./shards.ts";

const cluster = useTestCluster();
const list = "mail";

/** Each begins at a node that has none of what it asks for. */
const clients: [name: string, open: (at: TestCluster) => RedisClient][] = [
  ["ioredis, by a URL,", (at) => ioredis({ url: at.urlAwayFrom(list), cluster: true })],
  [
    "ioredis, from a Cluster,",
    (at) => ioredis(new Cluster([at.urlAwayFrom(list)], { lazyConnect: true, scaleReads: "slave" })),
  ],
  ["node-redis, by a URL,", (at) => nodeRedis({ url: at.urlAwayFrom(list), cluster: true })],
  [
    "node-redis, from a cluster client,",
    (at) => nodeRedis(createCluster({ rootNodes: [{ url: at.urlAwayFrom(list) }], useReplicas: true })),
  ],
];

describe.each(clients)("%s on a cluster", (name, open) => {
  redisClientConformance(name, cluster, { open });

  const client = useClient(cluster, open);

  const drainOf = (handled: string[], beforeEach: (count: number) => unknown = () => undefined) =>
    createDrain({
      redis: client(),
      list,
      batchSize: 20,
      concurrency: 1,
      handler: async ({ payload }) => {
        await beforeEach(handled.length);
        handled.push(payload);
      },
    });

  const everyKey = async (): Promise<string[]> => {
    const keys = cluster.server().masters.map(({ door }) => door.redis.keys("*"));
    return (await Promise.all(keys)).flat();
  };

  const elsewhere = async (): Promise<ClusterNode> => {
    const owner = await cluster.server().ownerOf(list);
    return cluster.server().masters.find((node) => node !== owner) as ClusterNode;
  };

  it("a drain goes on while the slot of its list moves to another node, loses nothing and handles nothing twice", async () => {
    const payloads = numbered(100);
    const handled: string[] = [];
    let moving: Promise<void> | undefined;
    const to = await elsewhere();
    const drain = drainOf(handled, (count) => {
      if (count === 30) moving = cluster.server().moveSlot(list, to);
    });
    await drain.push(payloads);
    const report = await drain.run();
    await moving;
    expect(report).toMatchObject({ acked: 100, lostLease: 0, stopped: "empty", error: null });
    expect(handled).toEqual(payloads);
    expect(await everyKey()).toEqual([]);
  });

  it("a push to a list that is half moved arrives, and the drain waits until it has moved", async () => {
    const handled: string[] = [];
    const drain = drainOf(handled);
    await drain.push(numbered(3));
    // A second key in the slot: it moves first or second, and scripts are refused while the two are apart.
    await drain.push("delayed", { delayMs: 1 });
    const running: Promise<unknown>[] = [];
    await cluster.server().moveSlot(list, await elsewhere(), async () => {
      if (running.length === 0) running.push(drain.run());
      await drain.push("meanwhile");
    });
    await Promise.all(running);
    await drain.run();
    expect(handled.toSorted()).toEqual([...numbered(3), "delayed", ...Array(3).fill("meanwhile")].toSorted());
    expect(await everyKey()).toEqual([]);
  });

  it("a wait blocks at the node of the list, and goes on where the list has moved", async () => {
    const drain = drainOf([]);
    const waiting = drain.waitForMessage({ timeoutMs: 60_000 });
    await cluster.server().moveSlot(list, await elsewhere());
    await drain.push("a");
    expect(await waiting).toBe(true);
    expect(await drain.waitForMessage({ timeoutMs: 60_000 })).toBe(true);
  });

  it("sends what names no key to the node of the list: time, and the search for working lists", async () => {
    const owner = await cluster.server().ownerOf(list);
    for (const { door } of cluster.server().masters) await door.resetCommandCount();
    const drain = drainOf([]);
    await drain.push("a", { delayMs: 1 });
    await drain.recover();
    for (const { door, id } of cluster.server().masters) {
      const stats = await door.redis.info("commandstats");
      expect([id, /cmdstat_(time|scan):/.test(stats)]).toEqual([id, id === owner.id]);
    }
  });

  it("sends the commands of a pipeline to the nodes of their keys, and answers in their order", async () => {
    const keys = numbered(50);
    await client().pipeline(keys.map((key) => ["SET", key, `of ${key}`]));
    const replies = await client().pipeline([...keys.map((key) => ["GET", key] as const), ["NOSUCH"]]);
    expect(replies.slice(0, -1)).toEqual(keys.map((key) => `of ${key}`));
    expect(replies.at(-1)).toBeInstanceOf(RedisReplyError);
    for (const { door } of cluster.server().masters) expect(await door.redis.dbsize()).toBeGreaterThan(0);
  });

  it("an idle tick costs one command", async () => {
    expect(await drainOf([]).run()).toMatchObject({ requests: 1, commands: 1, stopped: "empty" });
  });

  it("several lists of several slots are drained in one run, and an idle tick asks for each in one request", async () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const seen: string[] = [];
    const handler = ({ payload }: { payload: string }) => void seen.push(payload);
    const lists = Object.fromEntries(names.map((name) => [name, { handler }]));
    const spillway = createSpillway({ redis: client(), lists });
    for (const name of names) await spillway.push(name, [`${name}1`, `${name}2`]);
    expect(await spillway.run()).toMatchObject({ acked: 12, stopped: "empty", error: null });
    expect(seen.toSorted()).toEqual(names.flatMap((name) => [`${name}1`, `${name}2`]));
    expect(await everyKey()).toEqual([]);
    expect(await spillway.run()).toMatchObject({ requests: 1, commands: 6, stopped: "empty" });
  });

  it("lists of a pattern are found in whichever slots they are, and leave nothing behind", async () => {
    const seen: string[] = [];
    const handler = ({ payload }: { payload: string }) => void seen.push(payload);
    const spillway = createSpillway({ redis: client(), lists: { "tenant:*": { handler } } });
    for (const name of ["tenant:a", "tenant:b", "tenant:c", "tenant:d"]) await spillway.push(name, name);
    expect(await spillway.run()).toMatchObject({ acked: 4, stopped: "empty", error: null });
    expect(seen.toSorted()).toEqual(["tenant:a", "tenant:b", "tenant:c", "tenant:d"]);
    await spillway.run();
    expect(await everyKey()).toEqual([]);
    expect(await spillway.run()).toMatchObject({ requests: 1, commands: 1, stopped: "empty" });
  });

  it("keys of two slots in one command are refused by Redis, in its own words", async () => {
    await expect(client().command(["RPOPLPUSH", "a", "b"])).rejects.toMatchObject({ prefix: "CROSSSLOT" });
  });
});

describe("over ioredis on a cluster", () => {
  const client = useClient(cluster, (at) => ioredis({ url: at.urlAwayFrom(list), cluster: true }));

  shardsSuite({
    client,
    keys: async () => {
      const found = cluster.server().masters.map(({ door }) => door.redis.keys("*"));
      return (await Promise.all(found)).flat();
    },
  });

  it("a list with shards is on all nodes, and an idle tick costs one pipeline", async () => {
    const drain = createDrain({ redis: client(), list, shards: 12, handler: () => undefined });
    await drain.push(numbered(24));
    for (const { door } of cluster.server().masters) expect(await door.redis.dbsize()).toBeGreaterThan(0);
    expect(await drain.run()).toMatchObject({ acked: 24, stopped: "empty" });
    // The list itself, and each shard.
    expect(await drain.run()).toMatchObject({ requests: 1, commands: 13, stopped: "empty" });
  });
});

it.each<() => unknown>([
  () => ioredis(new Cluster([7000], { lazyConnect: true, keyPrefix: "p:" })),
  () => ioredis(new Cluster([7000], { lazyConnect: true, useSRVRecords: true })),
  () => ioredis(new Cluster([], { lazyConnect: true })),
  () => ioredis({ url: "redis://localhost", cluster: "yes" as never }),
  () => nodeRedis(createCluster({ rootNodes: [] })),
  () => nodeRedis(createCluster({ rootNodes: [{ url: "redis://localhost" }], keyPrefix: "p:" })),
  () => nodeRedis({ url: "redis://localhost", cluster: 1 as never }),
])("refuses at construction a cluster that cannot work: %s", (make) => {
  expect(make).toThrow(OptionError);
});
