import { describe, expect, it, onTestFinished } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { scriptedBroker } from "../../src/broker/scripted.ts";
import { turnScript } from "../../src/broker/scripts/turn/index.ts";
import { encodeTurnRequest, type TurnRequest, turnKeys } from "../../src/broker/turn-request.ts";
import { systemClock } from "../../src/clock.ts";
import { createDrain, type DrainOptions, type RedisClient, RedisTransportError } from "../../src/index.ts";
import * as limits from "../../src/limits.ts";
import { listKeys } from "../../src/redis/keys.ts";
import { Sender } from "../../src/redis/sender.ts";
import { useRedisServer } from "../support/redis-under-test.ts";

const { door, server } = useRedisServer();
const keys = listKeys("mail");

function open(): RedisClient {
  const client = ioredis({ url: server().url });
  onTestFinished(() => client.close());
  return client;
}

function drainOf(seen: string[], options: Partial<DrainOptions> = {}) {
  const handler = (message: { payload: string }): void => void seen.push(message.payload);
  return createDrain({ redis: open(), list: "mail", concurrency: 1, handler, ...options } as DrainOptions);
}

/** A batch in hand, its oldest message first, with a lease that ends at `score`. */
async function lease(id: string, messages: readonly string[], score: number): Promise<void> {
  await door.redis.lpush(`{mail}:working:${id}`, ...messages);
  await door.redis.zadd("{mail}:leases", score, id);
}

async function redisNow(): Promise<number> {
  const [seconds, micros] = await door.redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}

describe("what a dead drain held comes back in its old order", () => {
  /** When the leases of the older and of the newer batch ended, and the numbers of the batches. */
  it.each<[string, number, number, string, string]>([
    ["the older ended first", 1_000, 2_000, "d.1", "d.2"],
    ["both ended together", 1_000, 1_000, "d.1", "d.2"],
    ["the newer ended first", 2_000, 1_000, "d.1", "d.2"],
    ["a number has a digit more", 1_000, 1_000, "d.9", "d.10"],
    ["a number has a digit more, and its lease ended first", 5_000, 1_000, "d.99", "d.100"],
  ])("where %s", async (_, olderEnd, newerEnd, older, newer) => {
    await door.redis.lpush("mail", "e", "f");
    await lease(older, ["a", "b"], olderEnd);
    await lease(newer, ["c", "d"], newerEnd);
    const seen: string[] = [];
    expect(await drainOf(seen).run()).toMatchObject({ recovered: 4, acked: 6, stopped: "empty" });
    expect(seen).toEqual(["a", "b", "c", "d", "e", "f"]);
  });

  it("not before the last of its leases has ended, and the report says when that is", async () => {
    const endsAt = (await redisNow()) + 60_000;
    await door.redis.lpush("mail", "e");
    await lease("d.1", ["a", "b"], 1_000);
    await lease("d.2", ["c"], endsAt);
    const seen: string[] = [];
    expect(await drainOf(seen).run()).toMatchObject({ claimed: 0, stopped: "busy", nextDueAt: endsAt });
    await door.expireLeases("mail");
    await drainOf(seen).run();
    expect(seen).toEqual(["a", "b", "c", "e"]);
  });

  it("however many leases have ended, a bounded number by one request", async () => {
    const count = 2 * limits.recoverLeasesMax + 50;
    for (let at = 0; at < count; at++) await lease(`d.${at}`, [`m${at}`], 1_000 + at);
    const seen: string[] = [];
    expect(await drainOf(seen).run()).toMatchObject({ recovered: count, stopped: "empty" });
    expect(seen).toEqual(Array.from({ length: count }, (_, at) => `m${at}`));
  });
});

it("a run's first claim that arrives again in mid-run leases messages to no one", async () => {
  const redis = open();
  let first: Parameters<RedisClient["command"]>[0] | undefined;
  const late: unknown[] = [];
  await door.redis.lpush("mail", ...Array.from({ length: 30 }, (_, at) => `m${at}`));
  const counts = new Map<string, number>();
  const drain = createDrain({
    redis: {
      ...redis,
      pipeline: (commands, options) => redis.pipeline(commands, options),
      command: (command, options) => {
        if (command[0].startsWith("EVAL")) first ??= command;
        return redis.command(command, options);
      },
    },
    list: "mail",
    batchSize: 5,
    maxAttempts: 1,
    handler: async ({ payload }) => {
      counts.set(payload, (counts.get(payload) ?? 0) + 1);
      if (counts.size === 12 && first)
        late.push(await redis.command(["EVAL", turnScript, ...first.slice(2)]));
    },
  });
  expect(await drain.run()).toMatchObject({ acked: 30, deadLettered: 0, stopped: "empty" });
  expect(late).toHaveLength(1);
  expect((late[0] as unknown[])[2]).toEqual([]);
  expect([...counts.values()].every((count) => count === 1)).toBe(true);
  expect(await door.everything()).toEqual({});
});

describe("a list is not blocked", () => {
  const chain = { name: "test", invoke: async () => null };

  it("by a lease that Redis' clock, stepped back, would let end in a year", async () => {
    await lease("d.1", ["a"], (await redisNow()) + 31_536_000_000);
    const seen: string[] = [];
    expect(await drainOf(seen).run()).toMatchObject({ acked: 1, stopped: "empty" });
  });

  it.each<[string, () => Promise<unknown>]>([
    ["a text", () => door.redis.set("{mail}:busy", "theirs")],
    ["a text that ends in a year", () => door.redis.set("{mail}:busy", "theirs", "EX", 31_536_000)],
    ["a hash", () => door.redis.hset("{mail}:busy", "their", "field")],
  ])("by somebody's %s where the mark of live chains stands", async (_, put) => {
    await put();
    await door.redis.lpush("mail", "a");
    expect(await drainOf([], { continuation: chain }).run()).toMatchObject({ acked: 1 });
  });

  it("by the mark of a chain, where the drain sets none itself", async () => {
    await door.redis.set("{mail}:busy", "", "PX", 60_000);
    await door.redis.lpush("mail", "a");
    expect(await drainOf([]).run()).toMatchObject({ acked: 1, stopped: "empty" });
  });
});

describe("lost replies are reported for what they are", () => {
  it("six in a row leave what they settled as not known, not as lost leases", async () => {
    const redis = open();
    await door.redis.lpush("mail", "a", "b", "c");
    let isDown = false;
    const drain = createDrain({
      redis: {
        ...redis,
        pipeline: (commands, options) => redis.pipeline(commands, options),
        command: async (command, options) => {
          const reply = await redis.command(command, options);
          if (isDown) throw new RedisTransportError("lost", { isRetryable: true });
          return reply;
        },
      },
      list: "mail",
      handler: () => {
        isDown = true;
      },
    });
    expect(await drain.run({ budgetMs: 20_000 })).toMatchObject({
      claimed: 3,
      acked: 0,
      lostLease: 0,
      unsettled: 3,
      stopped: "error",
    });
    expect(await door.everything()).toEqual({});
  });

  it("one of the turn that set the brake hides neither the brake nor what was given back", async () => {
    const redis = open();
    await door.redis.lpush("mail", ...Array.from({ length: 10 }, (_, at) => `m${at}`));
    let isLost = false;
    const drain = createDrain({
      redis: {
        ...redis,
        pipeline: (commands, options) => redis.pipeline(commands, options),
        command: async (command, options) => {
          const reply = await redis.command(command, options);
          if (command.some((argument) => argument === "f".repeat(10)) && !isLost) {
            isLost = true;
            throw new RedisTransportError("lost", { isRetryable: true });
          }
          return reply;
        },
      },
      list: "mail",
      prefetch: 0,
      handler: () => {
        throw new Error("down");
      },
    });
    const report = await drain.run();
    expect(isLost).toBe(true);
    expect(report).toMatchObject({ released: 10, retried: 0, stopped: "braked", error: null });
    expect(report.nextDueAt).toBeGreaterThan((await redisNow()) - 60_000);
  });
});

describe("an argument that the script cannot read", () => {
  const claim = { id: "d.2", holdsId: "", leaseMs: 9_000, countMax: 50, bytesMax: 1_000, sizeHint: 0 };
  const good: TurnRequest = {
    holder: "d",
    policy: { maxAttempts: 5, deadCountMax: 0, deadAgeMsMax: 0, brake: false, batchSize: 100 },
    maxConcurrency: 1,
    settle: null,
    claim,
    recoverIds: [],
    looks: true,
    countsRemaining: false,
    marksBusy: "no",
    busyUntil: 0,
  };
  const settling = (codes: string, details: readonly (string | number)[]): TurnRequest => ({
    ...good,
    settle: { id: "d.1", expiresAt: 9, mayHaveRun: false, codes, details },
  });

  it.each<[string, TurnRequest]>([
    ["a lease of 1e21 ms", { ...good, claim: { ...claim, leaseMs: 1e21 } }],
    ["a count that is NaN", { ...good, claim: { ...claim, countMax: Number.NaN } }],
    ["a fraction", { ...good, claim: { ...claim, bytesMax: 1.5 } }],
    ["a negative number", { ...good, maxConcurrency: -1 }],
    ["an id that is none", { ...good, claim: { ...claim, id: "d 2" } }],
    ["a holder with a point", { ...good, holder: "d.1" }],
    ["an infinite policy", { ...good, policy: { ...good.policy, maxAttempts: Number.POSITIVE_INFINITY } }],
    ["a code that is none", settling("z", [])],
    ["a code that only the script says", settling("h", [])],
    ["a delay of 1e21 ms", settling("f", [1e21])],
    ["a delay that is no number", settling("f", ["soon"])],
    ["no delay", settling("f", [])],
    ["a detail too many", settling("a", [5])],
    ["an overload until 1e21", settling("o", ["1e21 f 5"])],
    ["an overload that is an overload", settling("o", ["5 o 5 f 5"])],
    ["an overload without more", settling("o", ["5"])],
    ["a dead letter of two lines", settling("d", ['"reason":"a\nb"}'])],
    ["a dead letter that is no JSON", settling("d", ["because"])],
    [
      "outcomes of no batch",
      { ...settling("a", []), settle: { ...settling("a", []).settle, id: "" } as never },
    ],
  ])("ends it before its first write: %s", async (_, request) => {
    await door.redis.lpush("mail", "waiting");
    await lease("d.1", ["in hand"], (await redisNow()) + 60_000);
    const before = await door.everything();
    const names = turnKeys(keys, request);
    const sent = open().command([
      "EVAL",
      turnScript,
      names.length,
      ...names,
      ...encodeTurnRequest(request, false),
    ]);
    await expect(sent).rejects.toThrow(/SPILLWAY/);
    expect(await door.everything()).toEqual(before);
  });
});

it("an expired lease is recovered by a request that names its keys, and one more is enough", async () => {
  await lease("d.1", ["a"], 1_000);
  const sender = new Sender({ client: open(), clock: systemClock, requestTimeoutMs: 1_000, giveUpAt: 1e15 });
  const policy = { maxAttempts: 5, deadCountMax: 0, deadAgeMsMax: 0, brake: false, batchSize: 100 } as const;
  const shared = { keys, holder: "e", maxBatchBytes: 1_000, maxConcurrency: 1, marksBusy: false, policy };
  const broker = scriptedBroker({ sender, ...shared });
  expect(await broker.claim({ countMax: 5, leaseMs: 5_000 })).toMatchObject({
    claim: "not-served",
    batch: null,
  });
  expect(await broker.claim({ countMax: 5, leaseMs: 5_000 })).toMatchObject({
    claim: "served",
    recovered: 1,
  });
});
