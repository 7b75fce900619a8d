import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { nodeRedis } from "../../adapters/redis/node-redis.ts";
import { createDrain, createSpillway, shardOf } from "../../src/index.ts";
import { numbered } from "../conformance/setup.ts";
import { type ClusterNode, startTestCluster, type TestCluster } from "../support/cluster.ts";
import { until } from "../support/until.ts";

const list = "mail";
const shards = 6;
const batchSize = 10;
const payloads = numbered(240);
/** The list of each shard; they are on all nodes. */
const names = Array.from({ length: shards }, (_, at) => `{${list}:${at}}`);

describe.each([
  ["ioredis", ioredis],
  ["node-redis", nodeRedis],
])("over %s, a list with shards on a cluster", (_, open) => {
  let cluster: TestCluster;
  let master: ClusterNode;
  let replica: ClusterNode;
  /** The masters that live. */
  let masters: ClusterNode[];

  beforeAll(async () => {
    cluster = await startTestCluster({ nodeTimeoutMs: 1_000 });
    master = await cluster.ownerOf(names[0] as string);
    replica = await cluster.addReplica(master);
    masters = [...cluster.masters];
  });
  afterAll(() => cluster?.stop());

  beforeEach(async () => {
    for (const { door } of masters) await door.redis.flushall();
  });

  const left = async (): Promise<string[]> =>
    (await Promise.all(masters.map(({ door }) => door.redis.keys("*")))).flat();

  /** Pushes to all shards and drains them in one run; `disturb` begins with the 50th message, and has ended by the 150th. */
  const drained = async (disturb: () => unknown, engine: "scripted" | "plain" = "scripted") => {
    const handled: string[] = [];
    let disturbing: unknown;
    const drain = createDrain({
      redis: open({ url: cluster.urlAwayFrom(list), cluster: true }),
      list,
      shards,
      batchSize,
      engine,
      concurrency: 1,
      handler: async ({ payload }) => {
        if (handled.push(payload) === 50) disturbing = disturb();
        if (handled.length === 150) await disturbing;
      },
    });
    await drain.push(payloads);
    const owners = await Promise.all(names.map((name) => cluster.ownerOf(name)));
    expect(new Set(owners).size).toBe(3);
    const report = await drain.run({ budgetMs: 120_000 });
    return { drain, report, handled };
  };

  /** Each shard's slot, and that of what all share, goes to the next node, key by key. */
  const moveAll = async (): Promise<void> => {
    for (const name of [...names, list]) {
      const at = cluster.masters.indexOf(await cluster.ownerOf(name));
      await cluster.moveSlot(name, cluster.masters[(at + 1) % 3] as ClusterNode);
    }
  };

  it.each(["scripted", "plain"] as const)(
    "is drained by the %s engine while the slots of all its shards move: nothing is lost or handled twice",
    async (engine) => {
      const { drain, report, handled } = await drained(moveAll, engine);
      expect(report).toMatchObject({ acked: payloads.length, lostLease: 0, stopped: "empty", error: null });
      expect(handled.toSorted()).toEqual(payloads.toSorted());
      expect(await left()).toEqual([`{${list}}:shards`]);
      await drain.close();
    },
  );

  it("keeps the order of each key while slots move", async () => {
    const seen: { k: number; n: number }[] = [];
    let moving: Promise<void> | undefined;
    const drain = createDrain({
      redis: open({ url: cluster.urlAwayFrom(list), cluster: true }),
      list,
      shards,
      batchSize,
      order: { byKey: "k" },
      handler: async ({ value }) => {
        if (seen.push(value as { k: number; n: number }) === 30) moving = moveAll();
        if (seen.length === 100) await moving;
      },
    });
    const messages = Array.from({ length: 160 }, (_message, at) => ({ k: at % 8, n: at }));
    await drain.push(messages, { key: (message) => String((message as { k: number }).k) });
    expect(await drain.run({ budgetMs: 120_000 })).toMatchObject({ acked: 160, lostLease: 0, error: null });
    for (let key = 0; key < 8; key++) {
      const expected = messages.filter(({ k }) => k === key).map(({ n }) => n);
      expect(seen.filter(({ k }) => k === key).map(({ n }) => n)).toEqual(expected);
    }
    await drain.close();
  });

  it("is drained beside other lists by one run while their slots move", async () => {
    const handled: string[] = [];
    let moving: Promise<void> | undefined;
    const handler = async ({ payload }: { payload: string }): Promise<void> => {
      if (handled.push(payload) === 50) moving = moveAll();
      if (handled.length === 150) await moving;
    };
    const redis = open({ url: cluster.urlAwayFrom(list), cluster: true });
    // Lists of several slots, which are named as the shards are: createSpillway itself takes no `shards`.
    const lists = Object.fromEntries(names.map((name) => [name, { handler, batchSize }]));
    const spillway = createSpillway({ redis, lists });
    for (const payload of payloads) await spillway.push(shardOf(list, payload, shards), payload);
    const report = await spillway.run({ budgetMs: 120_000 });
    expect(report).toMatchObject({ acked: payloads.length, lostLease: 0, stopped: "empty", error: null });
    expect(handled.toSorted()).toEqual(payloads.toSorted());
    expect(await left()).toEqual([]);
    await spillway.close();
  });

  it("lives through a failover that an operator asks for: nothing is lost, and nothing runs twice", async () => {
    const { drain, report, handled } = await drained(async () => {
      await replica.door.redis.cluster("FAILOVER");
      await until(async () => (await replica.door.redis.info("replication")).includes("role:master"));
    });
    expect(report).toMatchObject({ acked: payloads.length, lostLease: 0, stopped: "empty", error: null });
    expect(handled.toSorted()).toEqual(payloads.toSorted());
    masters[masters.indexOf(master)] = replica;
    [master, replica] = [replica, master];
    await until(async () => (await replica.door.redis.info("replication")).includes("master_link_status:up"));
    await drain.close();
  });

  it("lives through the death of a node: nothing is lost, and only what had not reached the replica runs again", async () => {
    const { drain, report, handled } = await drained(() => {
      master.door.close();
      masters[masters.indexOf(master)] = replica;
      return master.server.kill();
    });
    const again = report.stopped === "empty" ? report : await drain.run({ budgetMs: 120_000 });
    expect(again).toMatchObject({ stopped: "empty", error: null });
    expect(new Set(handled)).toEqual(new Set(payloads));
    expect(handled.length).toBeLessThanOrEqual(payloads.length + 2 * batchSize);
    expect(await left()).toEqual([`{${list}}:shards`]);
    await drain.close();
  });
});
