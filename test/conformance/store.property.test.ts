import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { redisBackend } from "../../adapters/local/redis-backend.ts";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import { type RedisClient, type RedisCommand, type RedisReply, RedisReplyError } from "../../src/index.ts";
import { propertyRuns } from "../support/property-runs.ts";
import { startTestRedis } from "../support/redis.ts";

const key = fc.constantFrom("a", "b", "c", "d");
const value = fc.constantFrom("x", "y", "z", "", "1", "-5", "\xff\0", "10", "007");
/** Beyond what a number holds, at the edge of 64 bits, and beyond it. */
const large = ["9007199254740993", "9223372036854775807", "-9223372036854775808", "9223372036854775808"];
const index = fc.integer({ min: -4, max: 4 });
const score = fc.constantFrom("1", "2", "-1", "0.5", "inf", "-inf", "1e3", "1795464424117", "x", "3");
const edge = fc.oneof(score, fc.constantFrom("(1", "(inf", "-inf", "+inf"));
const alike = fc.constant("alike");
const lexEdge = fc.constantFrom("-", "+", "[x", "(x", "[", "(", "[007", "(y", "x");
const of = (name: string, ...args: fc.Arbitrary<string | number>[]): fc.Arbitrary<RedisCommand> =>
  fc.tuple(...args).map((given) => [name, ...given] as RedisCommand);

/** Commands on few keys and few values, so that kinds collide, keys empty and values repeat. */
const command = fc.oneof(
  of("LPUSH", key, value, value),
  of("RPUSH", key, value),
  of("LPUSHX", key, value),
  of("RPUSHX", key, value),
  of("LPOP", key),
  of("RPOP", key),
  of("RPOP", key, fc.integer({ min: -1, max: 3 })),
  of("LPOP", key, fc.integer({ min: 0, max: 3 })),
  of("RPOPLPUSH", key, key),
  of("LMOVE", key, key, fc.constantFrom("LEFT", "right", "up"), fc.constantFrom("LEFT", "RIGHT")),
  of("LLEN", key),
  of("LINDEX", key, index),
  of("LRANGE", key, index, index),
  of("LTRIM", key, index, index),
  of("LREM", key, index, value),
  of("HSET", key, value, value),
  of("HSET", key, value),
  of("HMSET", key, value, value),
  of("HGET", key, value),
  of("HMGET", key, value, value),
  of("HDEL", key, value, value),
  of("HLEN", key),
  of("HSCAN", key, fc.constantFrom("0", "x"), fc.constant("COUNT"), fc.constantFrom("100", "0", "x")),
  of("HEXISTS", key, value),
  of("HSETNX", key, value, value),
  of("HINCRBY", key, value, fc.constantFrom("1", "-3", "x", "1.5", "01", ...large)),
  of("ZADD", key, score, value),
  of("ZADD", key, fc.constantFrom("NX", "XX", "GT", "LT", "CH"), score, value, score, value),
  of("ZREM", key, value, value),
  of("ZSCORE", key, value),
  of("ZCARD", key),
  of("ZCOUNT", key, edge, edge),
  of("ZRANGE", key, index, index),
  of("ZRANGE", key, index, index, fc.constantFrom("WITHSCORES", "REV", "NONSENSE")),
  of("ZRANGE", key, edge, edge, fc.constant("BYSCORE"), fc.constant("WITHSCORES")),
  of("ZRANGEBYSCORE", key, edge, edge, fc.constant("LIMIT"), index, index),
  of("ZMSCORE", key, value, value),
  // Where scores differ, Redis does not say what these give.
  of("ZADD", alike, fc.constant("0"), value),
  of("ZRANGEBYLEX", alike, lexEdge, lexEdge),
  of("ZRANGEBYLEX", alike, lexEdge, lexEdge, fc.constant("LIMIT"), index, index),
  of("ZPOPMIN", key),
  of("ZREMRANGEBYSCORE", key, edge, edge),
  of("SET", key, value),
  of("SET", key, value, fc.constantFrom("NX", "XX", "GET", "KEEPTTL", "ZZ")),
  of("GET", key),
  of("INCR", key),
  of("INCRBY", key, fc.constantFrom("5", "x", ...large)),
  of("DECRBY", key, fc.constantFrom("5", "x", ...large)),
  of("DECR", key),
  of("STRLEN", key),
  of("DEL", key, key),
  of("UNLINK", key),
  of("EXISTS", key, key, key),
  of("TYPE", key),
  of("PERSIST", key),
  of("TTL", key),
  of("EXPIRE", key, fc.constantFrom("100", "x", "-1")),
  of("SCAN", fc.constantFrom("0", "x"), fc.constant("COUNT"), fc.constantFrom("100", "0", "x")),
  of(
    "SCAN",
    fc.constant("0"),
    fc.constantFrom("MATCH", "NONSENSE"),
    fc.constant("nothing"),
    fc.constant("TYPE"),
    fc.constantFrom("list", "Zset"),
  ),
  of("SCAN", fc.constant("0"), fc.constant("MATCH")),
  of(
    "KEYS",
    fc.constantFrom("[ab]", "[^ab]", "[a-c]", "[c-a]", "\\a", "?", "[a", "*a*", "[^", "a*b").map(String),
  ),
  of("PING"),
  of("ECHO", value),
  of("NOPE", fc.constantFrom("x", "")),
  of("LPUSH", key),
  of("GET", key, key),
);

describe("the embedded store", () => {
  let server: RedisServer;
  let real: RedisClient;

  beforeAll(async () => {
    server = await startTestRedis();
    real = redisBackend({ url: server.url });
  });

  afterAll(async () => {
    await real.close();
    await server.stop();
  });

  const answers = async (client: RedisClient, commands: readonly RedisCommand[]): Promise<unknown[]> =>
    (await client.pipeline(commands)).map((reply, at) => {
      if (reply instanceof RedisReplyError) return { error: reply.serverText };
      // What the text says exactly, a package for TCP rounds in its own way.
      if (typeof reply === "number" && !Number.isSafeInteger(reply)) return reply.toPrecision(12);
      // Keys have no order.
      const name = commands[at]?.[0];
      if (name === "KEYS" && Array.isArray(reply)) return reply.toSorted();
      return name === "SCAN" ? (reply as RedisReply[]).flat().toSorted() : reply;
    });

  it("answers any sequence of commands as a real Redis does, errors included", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 40 }), async (commands) => {
        await real.command(["FLUSHALL"]);
        const [wanted, got] = [await answers(real, commands), await answers(memory(), commands)];
        for (const [at, reply] of wanted.entries()) {
          // A hash has no order that one may rely on.
          expect([commands[at], got[at]]).toEqual([commands[at], reply]);
        }
      }),
      { numRuns: propertyRuns(400) },
    );
  });

  it("forgets keys whose time has come", async () => {
    let now = 1_000;
    const store = memory({ now: () => now });
    await store.command(["SET", "k", "v", "PX", 500]);
    now += 499;
    expect(await store.command(["GET", "k"])).toBe("v");
    expect(await store.command(["PTTL", "k"])).toBe(1);
    now += 1;
    expect(await store.command(["GET", "k"])).toBeNull();
    expect(await store.command(["DBSIZE"])).toBe(0);
  });

  it("finds keys by pattern", async () => {
    const store = memory();
    for (const name of ["abc", "abd", "a*c", "x{y}"]) await store.command(["SET", name, "1"]);
    expect(await store.command(["KEYS", "ab?"])).toEqual(["abc", "abd"]);
    expect(await store.command(["KEYS", "a\\*c"])).toEqual(["a*c"]);
    expect(await store.command(["KEYS", "a[bd]d"])).toEqual(["abd"]);
    await store.command(["LPUSH", "abe", "1"]);
    expect(await store.command(["SCAN", "0", "MATCH", "x{*"])).toEqual(["0", ["x{y}"]]);
    const scan = ["SCAN", "0", "MATCH", "ab?", "COUNT", 100, "TYPE", "list"] as const;
    expect(await store.command(scan)).toEqual(["0", ["abe"]]);
  });

  it.each([
    ["SET", "k", "v", "EXAT", "1"],
    ["EXPIRE", "k", "1", "NX"],
    ["PEXPIRE", "k", "1", "gt"],
    ["ZADD", "k", "INCR", "1", "m"],
    ["ZRANGE", "k", "-", "+", "BYLEX"],
    ["SCRIPT", "KILL"],
  ])("says whose lack it is that it does not know an option of Redis: %s %s %s %s %s", async (...parts) => {
    const refused = memory().command(parts.filter((part) => part !== undefined) as unknown as RedisCommand);
    await expect(refused).rejects.toThrow(`the embedded store does not know`);
  });

  it("takes no longer than the text for a pattern or a number that is meant to take long", async () => {
    const store = memory();
    const long = "1".repeat(100_000);
    await store.command(["SET", "a".repeat(10_000), "v"]);
    expect(await store.command(["KEYS", `${"a*".repeat(30)}b`])).toEqual([]);
    for (const hostile of ["[z-a]", "[", "[^", "a[b", "\\", "(a+)+$"]) {
      expect(await store.command(["KEYS", hostile])).toEqual([]);
    }
    await expect(store.command(["ZADD", "z", `${long}x`, "m"])).rejects.toThrow("not a valid float");
  });

  it("keeps a list of a hundred thousand as a queue", async () => {
    const store = memory();
    for (let at = 0; at < 100_000; at++) await store.command(["LPUSH", "q", at]);
    for (let at = 0; at < 100_000; at++) expect(await store.command(["RPOP", "q"])).toBe(String(at));
    expect(await store.command(["EXISTS", "q"])).toBe(0);
  });
});
