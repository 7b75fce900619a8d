import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { createDrain, type Message, type RedisClient, release, retry } from "../../src/index.ts";
import { useRedisServer } from "../support/redis-under-test.ts";

const { door, server } = useRedisServer();
const list = "mail";
const hour = 3_600_000;
let redis: RedisClient;
beforeAll(() => {
  redis = ioredis({ url: server().url });
});
afterAll(() => redis.close());

const keys = ["a", "b", "c", "d"] as const;
const world = fc.record({
  counts: fc.array(fc.constantFrom(0, 1, 3, 12), { minLength: keys.length, maxLength: keys.length }),
  /** Whether messages of a key come all together, or in turn. */
  isMixed: fc.boolean(),
  limit: fc.constantFrom(1, 2, 5),
  inFlight: fc.constantFrom(undefined, 1, 2),
  concurrency: fc.constantFrom(1, 3),
  hasTroubles: fc.boolean(),
  drains: fc.array(fc.constantFrom(1, 2, 5, 20), { minLength: 1, maxLength: 4 }),
});

it("no key gets more of a window than its limit over any number of drains, and each that has messages gets some", async () => {
  const holds = fc.asyncProperty(world, async (given) => {
    const { counts, isMixed, limit, inFlight, concurrency, hasTroubles, drains } = given;
    await door.redis.flushall();
    const places = keys.flatMap((key, k) =>
      Array.from({ length: counts[k] as number }, (_, n) => ({ key, n })),
    );
    if (isMixed) places.sort((one, other) => one.n - other.n);
    if (places.length === 0) return;
    await door.redis.lpush(list, ...places.map((place) => JSON.stringify(place)));
    const done = new Set<string>();
    const runs = new Map<string, number>();
    const failed = new Set<string>();
    const handler = async ({ value, payload }: Message<unknown>) => {
      const { key, n } = value as { key: string; n: number };
      runs.set(key, (runs.get(key) ?? 0) + 1);
      await new Promise(setImmediate);
      if (hasTroubles && n % 3 === 1 && !failed.has(payload)) {
        failed.add(payload);
        return n % 6 === 1 ? release : retry({ afterMs: 0 });
      }
      done.add(payload);
      return undefined;
    };
    const made = drains.map((batchSize) =>
      createDrain({
        redis,
        list,
        handler,
        batchSize,
        order: { byKey: "key", concurrency },
        maxConcurrency: drains.length,
        maxAttempts: 1_000,
        brake: false,
        retryDelay: () => 0,
      }),
    );
    await made[0]?.limits.set({ perKey: { messages: limit, windowMs: hour, inFlight } });
    for (let window = 0; done.size < places.length; window++) {
      const open = keys.filter((key) =>
        places.some((one) => one.key === key && !done.has(JSON.stringify(one))),
      );
      runs.clear();
      // Until nobody finds anything more to claim.
      for (let claimed = 1; claimed > 0; ) {
        const reports = await Promise.all(made.map((drain) => drain.run()));
        for (const { error } of reports) if (error) throw error;
        claimed = reports.reduce((sum, report) => sum + report.claimed, 0);
      }
      for (const [key, count] of runs) expect(`${key}: ${count}`).toBe(`${key}: ${Math.min(count, limit)}`);
      expect([...runs.keys()].sort()).toEqual(open);
      expect(window).toBeLessThan(50);
      // The window ends, as the passing of time would have it.
      await door.redis.del(`{${list}}:rates`);
      for (const key of await door.redis.zrange(`{${list}}:due`, 0, "-1"))
        await door.redis.zadd(`{${list}}:due`, "1", key);
    }
    await made[0]?.limits.set(null);
    await Promise.all(made.map((drain) => drain.run()));
    await door.redis.del(`{${list}}:rates`);
    expect(await door.everything()).toEqual({});
  });
  await fc.assert(holds, { numRuns: 20, seed: 20_261_127 });
});
