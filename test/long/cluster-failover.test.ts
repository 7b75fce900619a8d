import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { nodeRedis } from "../../adapters/redis/node-redis.ts";
import { createDrain, type DrainReport } from "../../src/index.ts";
import { numbered } from "../conformance/setup.ts";
import { type ClusterNode, startTestCluster, type TestCluster } from "../support/cluster.ts";
import { until } from "../support/until.ts";

const list = "mail";
const batchSize = 20;

describe.each([
  ["ioredis", ioredis],
  ["node-redis", nodeRedis],
])("over %s, a drain lives through a failover of the node that has its list", (_, open) => {
  let cluster: TestCluster;
  let master: ClusterNode;
  let replica: ClusterNode;

  beforeAll(async () => {
    cluster = await startTestCluster({ nodeTimeoutMs: 1_000 });
    master = await cluster.ownerOf(list);
    replica = await cluster.addReplica(master);
  });
  afterAll(() => cluster?.stop());

  const drained = async (
    payloads: string[],
    failover: () => Promise<unknown>,
  ): Promise<{ report: DrainReport; handled: string[] }> => {
    const handled: string[] = [];
    const drain = createDrain({
      redis: open({ url: cluster.urlAwayFrom(list), cluster: true }),
      list,
      batchSize,
      concurrency: 1,
      handler: async ({ payload }) => {
        if (handled.length === 50) await failover();
        handled.push(payload);
      },
    });
    await drain.push(payloads);
    const report = await drain.run({ budgetMs: 120_000 });
    await drain.close();
    return { report, handled };
  };

  it("that an operator asks for: nothing is lost, and nothing runs twice", async () => {
    const payloads = numbered(200);
    const { report, handled } = await drained(payloads, async () => {
      await replica.door.redis.cluster("FAILOVER");
      await until(async () => (await replica.door.redis.info("replication")).includes("role:master"));
    });
    expect(report).toMatchObject({ acked: 200, lostLease: 0, stopped: "empty", error: null });
    expect(handled).toEqual(payloads);
    [master, replica] = [replica, master];
    await until(async () => (await replica.door.redis.info("replication")).includes("master_link_status:up"));
  });

  it("because it was killed: nothing is lost, and only what had not reached the replica runs again", async () => {
    const payloads = numbered(200);
    const { report, handled } = await drained(payloads, () => {
      master.door.close();
      return master.server.kill();
    });
    expect(report).toMatchObject({ stopped: "empty", error: null });
    expect(new Set(handled)).toEqual(new Set(payloads));
    // Two batches are in hand at once.
    expect(handled.length).toBeLessThanOrEqual(payloads.length + 2 * batchSize);
    expect(await replica.door.everything()).toEqual({});
  });
});
