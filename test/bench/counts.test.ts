import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import { bundleSizes } from "../../bench/sizes.ts";
import { createDrain, type RedisClient } from "../../src/index.ts";
import { startTestRedis, upstashTo } from "../support/redis.ts";
import { SideDoor } from "../support/side-door.ts";

/** What a drain costs in counts, which are the same on any machine. Times are measured in `bench/`, and asserted nowhere. */
describe("the cost of a drain", () => {
  let server: RedisServer;
  let side: SideDoor;
  let redis: RedisClient;

  beforeAll(async () => {
    server = await startTestRedis();
    side = new SideDoor(server.url);
    redis = await upstashTo(server);
  });

  afterAll(async () => {
    side.close();
    await redis.close();
    await server.stop();
  });

  beforeEach(async () => {
    await side.redis.flushall();
    await side.resetCommandCount();
  });

  async function drainOf(count: number, batchSize: number) {
    if (count > 0) {
      await side.redis.lpush("mail", ...Array.from({ length: count }, (_, at) => String(at)));
      await side.resetCommandCount();
    }
    const drain = createDrain({ redis, list: "mail", batchSize, handler: () => undefined });
    const report = await drain.run();
    expect(report).toMatchObject({ stopped: "empty", acked: count, error: null });
    return { requests: report.requests, commands: await side.commandCount() };
  }

  it.each([
    [100, 0.1],
    [20, 0.4],
  ])(
    "with batches of %d is at most %d Redis commands a message, and a request a batch",
    async (size, most) => {
      const batches = 100;
      const { requests, commands } = await drainOf(size * batches, size);
      expect(commands / (size * batches)).toBeLessThanOrEqual(most);
      // Besides: the look, the first claim, what only fills the claim ahead, the last settle, a script sent once more.
      expect(requests).toBeLessThanOrEqual(batches + 5);
    },
  );

  it("is one command and one request for a tick that finds nothing", async () => {
    expect(await drainOf(0, 100)).toEqual({ requests: 1, commands: 1 });
  });

  it("is at most 25 KB of code, core and Upstash client, minified and gzipped", async () => {
    const sizes = await bundleSizes();
    expect(sizes.get("Spillway and upstash-fetch")).toBeLessThanOrEqual(25 * 1_024);
    expect(sizes.get("Spillway, core")).toBeLessThanOrEqual(22 * 1_024);
  });
});
