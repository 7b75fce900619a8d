import { describe, expect, it } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { systemClock } from "../../src/clock.ts";
import { sha1Hex } from "../../src/digest.ts";
import { createDrain } from "../../src/index.ts";
import { useClient, useRedisServer } from "../support/redis-under-test.ts";

const redis = useRedisServer();
const open = useClient(redis, (server) => ioredis({ url: server.url }));
const { door } = redis;
const attemptsKey = "{mail}:attempts";

/** Runs until nothing is left, delayed messages made due between. Returns which attempts the handler saw. */
async function attemptsSeen(failsUntil: number, batchSize = 500): Promise<number[]> {
  const seen: number[] = [];
  const drain = createDrain({
    redis: open(),
    list: "mail",
    batchSize,
    brake: false,
    handler: ({ attempt }) => {
      seen.push(attempt);
      if (attempt < failsUntil) throw new Error("no");
    },
  });
  while ((await drain.run()).nextDueAt !== null) await door.makeDue("mail");
  return seen;
}

const counted = (seen: readonly number[]): Record<number, number> => {
  const counts: Record<number, number> = {};
  for (const attempt of seen) counts[attempt] = (counts[attempt] ?? 0) + 1;
  return counts;
};

describe("equal payloads", () => {
  it("keep a history each, in a field each, so that no value grows with their number", async () => {
    await door.redis.lpush("mail", ...Array.from({ length: 2_000 }, () => "tick"));
    const drain = createDrain({
      redis: open(),
      list: "mail",
      batchSize: 500,
      brake: false,
      // However slow the machine is, a batch is as large as it may be.
      clock: { ...systemClock, now: () => 0 },
      handler: () => {
        throw new Error("no");
      },
    });
    await drain.run();
    await door.makeDue("mail");
    // One run promotes a part of them and claims a part of those.
    await drain.run({ maxMessages: 1 });

    const values = await door.redis.hvals(attemptsKey);
    expect(values.length).toBeGreaterThan(500);
    expect(Math.max(...values.map((value) => value.length))).toBeLessThan(100);
  });

  it("have each their own number of attempts, whatever was promoted, claimed and released between", async () => {
    await door.redis.lpush("mail", ...Array.from({ length: 1_200 }, (_, at) => (at % 3 ? "tick" : `m${at}`)));

    expect(counted(await attemptsSeen(3, 70))).toEqual({ 1: 1_200, 2: 1_200, 3: 1_200 });
    expect(await door.everything()).toEqual({});
  });

  it("go back to where they were claimed from when they are released or recovered", async () => {
    const digest = sha1Hex("tick");
    await door.redis.lpush("mail", "tick", "tick", "tick");
    await door.redis.hset(attemptsKey, {
      [digest]: "-1:1",
      [`${digest}:-1`]: "1.0.0@5",
      [`${digest}:0`]: "2.0.0@5",
      [`${digest}:1`]: "3.0.0@5",
    });
    const seen: number[] = [];
    const abort = new AbortController();
    const drain = createDrain({
      redis: open(),
      list: "mail",
      batchSize: 2,
      concurrency: 1,
      prefetch: 0,
      maxAttempts: 9,
      handler: ({ attempt }) => {
        seen.push(attempt);
        abort.abort();
      },
    });
    await drain.run({ signal: abort.signal });
    await drain.run();

    expect(seen).toEqual([2, 3, 4]);
    expect(await door.everything()).toEqual({});
  });
});

it.each<[string, Record<string, string>, number[]]>([
  ["no history", { tick: "garbage" }, [1, 1]],
  ["histories joined by commas", { tick: "1.0.0@5,2.0.0@5" }, [1, 1]],
  ["nothing", { tick: "" }, [1, 1]],
  ["an end before its beginning", { tick: "3:1" }, [1, 1]],
  ["numbers of histories that are not there", { tick: "0:9" }, [1, 1]],
  ["more numbers than there are messages", { tick: "-9007199254740991:9007199254740991" }, [1, 1]],
  ["one of two is none", { tick: "0:1", "tick:0": "a,b", "tick:1": "2.0.0@5" }, [1, 3]],
])("a history that cannot be read counts as none, and stops nothing: %s", async (_, fields, wanted) => {
  await door.redis.lpush("mail", "tick", "tick");
  for (const [field, value] of Object.entries(fields)) {
    await door.redis.hset(attemptsKey, field.replace("tick", sha1Hex("tick")), value);
  }

  expect(await attemptsSeen(1)).toEqual(wanted);
  expect(await door.everything()).toEqual({});
});
