import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { createDrain, type DrainReport, type RedisClient } from "../../src/index.ts";
import { type Fault, faultyClient } from "../support/faulty-client.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import { mortalClient } from "../support/mortal-client.ts";
import { propertyRuns } from "../support/property-runs.ts";

const list = "mail";
const leaseMs = 60_000;

/** One drain of a story: how its network behaves, and after how many requests its process dies, if it does. */
const life = fc.record({
  faults: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant<Fault>("none") },
      { weight: 2, arbitrary: fc.constantFrom<Fault>("lose-reply", "lose-request") },
    ),
    { minLength: 1, maxLength: 20 },
  ),
  diesAtRequest: fc.option(fc.nat({ max: 12 }), { nil: null }),
  failing: fc.array(fc.nat({ max: 39 }), { maxLength: 4 }),
  prefetch: fc.constantFrom<0 | 1>(0, 1),
  batchSize: fc.integer({ min: 1, max: 9 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
});

async function places(redis: RedisClient): Promise<string[]> {
  const found: string[] = [];
  for (const key of (await redis.command(["KEYS", "*"])) as string[]) {
    if (key === list || key.includes(":working:")) {
      found.push(...((await redis.command(["LRANGE", key, 0, -1])) as string[]));
    }
  }
  return found;
}

describe("whatever the network and the processes do", () => {
  it("each message stays in exactly one place until it is handled, and runs again only for a failure or a death", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 6 }), async (lives) => {
        let now = 1_000_000;
        const store = memory({ now: () => now });
        const payloads = Array.from({ length: 40 }, (_, at) => `m${at}`);
        await store.command(["LPUSH", list, ...payloads]);
        const runs = new Map<string, number>();
        const mayRunAgain = new Map<string, number>();
        const bump = (counts: Map<string, number>, payload: string): void =>
          void counts.set(payload, (counts.get(payload) ?? 0) + 1);

        const drainOnce = async (one: (typeof lives)[number] | null): Promise<DrainReport | "died"> => {
          const clock = hastyClock(() => 1_000, 5_000);
          const inHand = new Set<string>();
          const faulty = faultyClient(store, (index) => one?.faults[index % one.faults.length] ?? "none");
          const redis = mortalClient(faulty, (index) => index === one?.diesAtRequest);
          const drain = createDrain({
            redis,
            list,
            clock,
            leaseMs,
            reserveMs: 0,
            // No one's last attempt here: each life counts one at most.
            maxAttempts: 20,
            prefetch: one?.prefetch ?? 0,
            batchSize: one?.batchSize ?? 10,
            concurrency: one?.concurrency ?? 1,
            handler: async (message) => {
              if (redis.isDead) await new Promise(() => undefined);
              bump(runs, message.payload);
              inHand.add(message.payload);
              if (one?.failing.includes(Number(message.payload.slice(1)))) {
                bump(mayRunAgain, message.payload);
                throw new Error("no");
              }
            },
          });
          const outcome = await Promise.race([drain.run({ budgetMs: 3_600_000 }), redis.death]);
          // A death leaves in doubt what was in hand, and so does giving up on a network that loses every try.
          if (outcome === "died" || outcome.stopped === "error")
            for (const payload of inHand) bump(mayRunAgain, payload);
          const held = await places(store);
          expect(new Set(held).size, "a message in two places").toBe(held.length);
          for (const payload of payloads) {
            if (!runs.has(payload)) expect(held, `${payload} is lost`).toContain(payload);
          }
          return outcome;
        };

        for (const one of lives) {
          await drainOnce(one);
          now += 2 * leaseMs;
        }
        for (let attempt = 0; attempt < 3; attempt++) {
          const report = (await drainOnce(null)) as DrainReport;
          expect(report).toMatchObject({ stopped: "empty", lostLease: 0, error: null });
          now += 2 * leaseMs;
        }

        for (const payload of payloads) {
          const allowed = 1 + (mayRunAgain.get(payload) ?? 0);
          expect(runs.get(payload) ?? 0, `${payload} ran too often or never`).toBeGreaterThan(0);
          expect(runs.get(payload) ?? 0, `${payload} ran too often`).toBeLessThanOrEqual(allowed);
        }
        expect(await store.command(["KEYS", "*"])).toEqual([]);
      }),
      { numRuns: propertyRuns(200) },
    );
  });
});
