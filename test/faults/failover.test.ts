import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RedisServer, startRedisServer } from "../../adapters/local/redis-process.ts";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { createDrain } from "../../src/index.ts";
import { SideDoor } from "../support/side-door.ts";
import { until } from "../support/until.ts";

describe("a failover", () => {
  let master: RedisServer;
  let replica: RedisServer;
  let door: SideDoor;

  beforeAll(async () => {
    // By default it waits 5 s for more replicas before it copies itself to one.
    master = await startRedisServer({ args: ["--repl-diskless-sync-delay", "0"] });
    replica = await startRedisServer({ args: ["--replicaof", "127.0.0.1", String(master.port)] });
    door = new SideDoor(replica.url);
  });

  afterAll(async () => {
    door.close();
    await Promise.all([master.stop(), replica.stop()]);
  });

  it("met inside the claim is waited for: the run goes on when the replica is promoted", async () => {
    const first = new SideDoor(master.url);
    await first.redis.lpush("mail", "a", "b", "c");
    first.close();
    await until(async () => (await door.redis.llen("mail")) === 3);
    const redis = ioredis({ url: replica.url });
    const seen: string[] = [];
    let claimCount = 0;
    const drain = createDrain({
      redis: {
        name: "watched",
        pipeline: (commands, options) => redis.pipeline(commands, options),
        command: async (command, options) => {
          if (command[0].startsWith("EVAL")) claimCount += 1;
          try {
            return await redis.command(command, options);
          } finally {
            // Promoted once the script has been refused twice.
            if (claimCount === 2) await door.redis.replicaof("NO", "ONE");
          }
        },
        close: () => redis.close(),
      },
      list: "mail",
      handler: (message) => void seen.push(message.payload),
    });
    const report = await drain.run({ budgetMs: 60_000 });
    await drain.close();
    expect(report).toMatchObject({ acked: 3, stopped: "empty", error: null });
    expect(seen).toEqual(["a", "b", "c"]);
    expect(claimCount).toBeGreaterThan(2);
    expect(await door.everything()).toEqual({});
  });

  it("a master that has lost its replicas is waited for, and nothing runs twice", async () => {
    await door.redis.replicaof("NO", "ONE");
    await door.redis.lpush("mail", "a", "b", "c");
    const redis = ioredis({ url: replica.url });
    let refusedCount = 0;
    const seen: string[] = [];
    const drain = createDrain({
      redis: {
        name: "watched",
        pipeline: (commands, options) => redis.pipeline(commands, options),
        command: async (command, options) =>
          redis.command(command, options).catch(async (error: unknown) => {
            refusedCount += 1;
            if (refusedCount === 2) await door.redis.config("SET", "min-replicas-to-write", "0");
            throw error;
          }),
        close: () => redis.close(),
      },
      list: "mail",
      batchSize: 2,
      prefetch: 0,
      handler: async (message) => {
        seen.push(message.payload);
        if (message.payload === "a") await door.redis.config("SET", "min-replicas-to-write", "1");
      },
    });
    const report = await drain.run({ budgetMs: 60_000 });
    await drain.close();
    expect(report).toMatchObject({ acked: 3, stopped: "empty", error: null });
    expect(seen).toEqual(["a", "b", "c"]);
    expect(refusedCount).toBeGreaterThan(1);
    expect(await door.everything()).toEqual({});
  });
});
