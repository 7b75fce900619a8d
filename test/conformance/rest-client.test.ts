import { Redis as Upstash } from "@upstash/redis";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import type { RestServer } from "../../adapters/local/rest-server.ts";
import { startRest, startTestRedis, testToken } from "../support/redis.ts";

let server: RedisServer;
let rest: RestServer;
let real: Redis;

beforeAll(async () => {
  server = await startTestRedis();
  rest = await startRest(server);
  real = new Redis(server.url, { protocol: 2 });
});

beforeEach(() => real.flushall());

afterAll(async () => {
  real.disconnect();
  await rest.close();
  await server.stop();
});

const open = (options: object = {}): Upstash => new Upstash({ url: rest.url, token: testToken, ...options });

type Given = readonly [string, ...(string | number)[]];

const setUp: readonly Given[] = [
  ["SET", "text", "héllo wörld"],
  ["SET", "ok", "OK"],
  ["SET", "n", "10"],
  ["HSET", "h", "a", "1", "b", "zwei", "c", ""],
  ["RPUSH", "l", "one", "two", "three", "two"],
  ["SADD", "s", "x"],
  ["SADD", "ints", "1", "2", "3"],
  ["ZADD", "z", "1", "one", "2.5", "two", "inf", "max"],
  ["XADD", "x", "1-1", "f", "v", "g", "w"],
  ["XADD", "x", "2-1", "f", "v2"],
  ["XGROUP", "CREATE", "x", "group", "0"],
  ["GEOADD", "geo", "13.361389", "38.115556", "Palermo", "15.087269", "37.502669", "Catania"],
  ["PFADD", "hll", "a", "b", "c"],
];

/** As `@upstash/redis` sends them, in lower case. One more is one more row. */
const commands: readonly Given[] = [
  ...([
    ["get", "text"],
    ["get", "none"],
    ["get", "ok"],
    ["set", "k", "v", "ex", 100],
    ["set", "n", "v", "get"],
    ["set", "n", "v", "nx"],
    ["append", "text", "!"],
    ["strlen", "text"],
    ["getrange", "text", 0, 3],
    ["setrange", "text", 1, "e"],
    ["getset", "n", 5],
    ["getdel", "n"],
    ["getex", "n", "ex", 10],
    ["incr", "n"],
    ["incrby", "n", 5],
    ["decrby", "n", -5],
    ["incrbyfloat", "n", 0.1],
    ["mget", "n", "none", "ok"],
    ["mset", "a", 1, "b", "two words"],
    ["msetnx", "n", 1, "b", 2],
    ["setex", "k", 10, "v"],
    ["psetex", "k", 10_000, "v"],
    ["setnx", "n", 1],
  ] as const),
  ...([
    ["hgetall", "h"],
    ["hgetall", "none"],
    ["hset", "h", "ab", "cd"],
    ["hset", "h", "odd"],
    ["hset", "new", "ab", 1, "cd", 2],
    ["hmset", "h", "a", "x", "d", "y"],
    ["hget", "h", "b"],
    ["hmget", "h", "a", "none"],
    ["hkeys", "h"],
    ["hvals", "h"],
    ["hlen", "h"],
    ["hexists", "h", "a"],
    ["hdel", "h", "a", "none"],
    ["hincrby", "h", "a", 4],
    ["hincrbyfloat", "h", "a", 0.5],
    ["hsetnx", "h", "a", 1],
    ["hstrlen", "h", "b"],
    ["hscan", "h", 0],
    ["hrandfield", "new"],
    ["hrandfield", "h", 3, "withvalues"],
  ] as const),
  ...([
    ["lrange", "l", 0, -1],
    ["lindex", "l", -1],
    ["linsert", "l", "before", "two", "x"],
    ["lpos", "l", "two", "count", 0],
    ["lpush", "l", "a", "b"],
    ["lpushx", "none", "a"],
    ["lrem", "l", 1, "two"],
    ["lset", "l", 0, "x"],
    ["lset", "none", 0, "x"],
    ["ltrim", "l", 0, 1],
    ["lmove", "l", "m", "left", "right"],
    ["lmpop", 1, "l", "left", "count", 2],
    ["rpop", "l", 2],
    ["rpop", "none", 2],
    ["rpoplpush", "l", "m"],
  ] as const),
  ...([
    ["smembers", "ints"],
    ["sadd", "s", "y", "z"],
    ["scard", "s"],
    ["sdiff", "ints", "s"],
    ["sinter", "ints", "s"],
    ["sintercard", 2, "ints", "ints"],
    ["sinterstore", "k", "ints", "s"],
    ["sismember", "s", "x"],
    ["smismember", "s", "x", "y"],
    ["smove", "s", "t", "x"],
    ["spop", "s"],
    ["srandmember", "s", 5],
    ["srem", "s", "x"],
    ["sscan", "s", 0],
    ["sunionstore", "k", "ints", "s"],
  ] as const),
  ...([
    ["zadd", "z", "ch", 3, "one", 4, "new"],
    ["zadd", "z", "incr", 1, "one"],
    ["zcard", "z"],
    ["zcount", "z", "-inf", "(2.5"],
    ["zdiff", 1, "z", "withscores"],
    ["zincrby", "z", 1.5, "two"],
    ["zinterstore", "k", 1, "z"],
    ["zlexcount", "z", "-", "+"],
    ["zmscore", "z", "one", "none"],
    ["zpopmax", "z", 2],
    ["zpopmin", "z"],
    ["zrange", "z", 0, -1, "withscores"],
    ["zrangebyscore", "z", "-inf", "+inf", "withscores", "limit", 0, 1],
    ["zrank", "z", "two"],
    ["zrank", "z", "none"],
    ["zrem", "z", "one"],
    ["zremrangebyrank", "z", 0, 0],
    ["zrevrange", "z", 0, -1, "withscores"],
    ["zscan", "z", 0],
    ["zscore", "z", "max"],
    ["zunionstore", "k", 2, "z", "z", "weights", 1, 2],
  ] as const),
  ...([
    ["xrange", "x", "-", "+"],
    ["xread", "count", 1, "streams", "x", "0"],
    ["xread", "streams", "x", "$"],
    ["xreadgroup", "group", "group", "me", "count", 1, "streams", "x", ">"],
    ["xreadgroup", "group", "block", "block", "streams", "x", ">"],
    ["xadd", "x", "3-1", "f", "v"],
    ["xlen", "x"],
    ["xdel", "x", "1-1"],
    ["xpending", "x", "group"],
    ["xinfo", "groups", "x"],
    ["xautoclaim", "x", "group", "me", 0, "0-0"],
    ["xtrim", "x", "maxlen", 1],
    ["xrevrange", "x", "+", "-", "count", 1],
    ["xgroup", "create", "x", "group", "$"],
  ] as const),
  ...([
    ["setbit", "bits", 7, 1],
    ["getbit", "text", 1],
    ["bitcount", "text"],
    ["bitpos", "text", 1],
    ["bitop", "and", "k", "text", "ok"],
    ["bitfield", "k", "set", "u8", 0, 255, "get", "u8", 0],
    ["geodist", "geo", "Palermo", "Catania", "km"],
    ["geohash", "geo", "Palermo", "none"],
    ["geopos", "geo", "Palermo", "none"],
    ["geosearch", "geo", "fromlonlat", 15, 37, "byradius", 200, "km", "asc", "withdist", "withcoord"],
    ["pfcount", "hll"],
    ["pfmerge", "k", "hll"],
  ] as const),
  ...([
    ["dbsize"],
    ["del", "n", "none"],
    ["unlink", "n"],
    ["exists", "n", "n", "none"],
    ["expire", "n", 10, "nx"],
    ["ttl", "n"],
    ["pttl", "none"],
    ["persist", "n"],
    ["keys", "te*"],
    ["scan", 0, "match", "nothing", "count", 1000],
    ["type", "z"],
    ["touch", "n", "none"],
    ["copy", "n", "m"],
    ["rename", "n", "m"],
    ["rename", "none", "m"],
    ["renamenx", "n", "ok"],
    ["object", "encoding", "n"],
    ["dump", "none"],
    ["ping"],
    ["ping", "grüße"],
    ["echo", "x"],
    ["publish", "channel", "x"],
    ["config", "get", "maxmemory"],
    ["command", "count"],
    ["json.set", "j", "$", "{}"],
    ["nosuch", "x"],
    ["constructor"],
    ["get"],
    ["get", "l"],
    ["incr", "text"],
  ] as const),
  ...([
    ["eval", "return {KEYS[1], ARGV[1], 1.9, false, {ok='FINE'}, {{1}}}", 1, "k", "v"],
    ["eval", "return redis.call('hgetall', KEYS[1])", 1, "h"],
    ["eval", "return redis.error_reply('MINE no')", 0],
    ["eval", "return {", 0],
    ["evalsha", "f".repeat(40), 0],
    ["script", "load", "return 1"],
    ["script", "exists", "f".repeat(40)],
    ["script", "flush"],
    ["function", "list"],
  ] as const),
];

const prepare = (): Promise<unknown> =>
  Promise.all([real.flushall(), ...setUp.map(([name, ...args]) => real.call(name, ...args))]);

/** What a real Redis says, asked in capitals, which ioredis leaves as they are. */
async function wanted([name, ...args]: Given): Promise<unknown> {
  await prepare();
  // Of what it does not know, Redis repeats the name as it came.
  const asked = /^(nosuch|constructor|json)/.test(name) ? name : name.toUpperCase();
  if (asked === "constructor") return { error: expect.stringContaining("ERR unknown command 'constructor'") };
  return real.call(asked, ...args).then(
    (result) => ({ result }),
    (error: Error) => ({ error: error.message }),
  );
}

describe("commands as @upstash/redis sends them answer as the Redis behind it does", () => {
  const raw = { automaticDeserialization: false, retry: { retries: 0 }, enableAutoPipelining: false };
  const said = (error: Error): unknown => ({ error: error.message.replace(/, command was:.*$/s, "") });

  const pipeline = async (all: readonly Given[]): Promise<unknown> => {
    const headers = { authorization: `Bearer ${testToken}` };
    return (
      await fetch(`${rest.url}/pipeline`, { method: "POST", headers, body: JSON.stringify(all) })
    ).json();
  };

  it.each(commands.map((command) => [command.join(" "), command] as const))("%s", async (_, command) => {
    const answer = await wanted(command);
    for (const responseEncoding of ["base64", false] as const) {
      await prepare();
      const sent = open({ ...raw, responseEncoding }).exec(command as [string, ...string[]]);
      expect(await sent.then((result) => ({ result }), said)).toEqual(answer);
    }
    await prepare();
    expect(await pipeline([["get", "ok"], command, ["echo", "after"]])).toEqual([
      { result: "OK" },
      answer,
      { result: "after" },
    ]);
  });
});

describe("the real @upstash/redis client", () => {
  it("hashes, scores and streams come back as its types say", async () => {
    const redis = open();
    await redis.hset("h", { a: 1, b: { c: "two" } });
    expect(await redis.hgetall("h")).toEqual({ a: 1, b: { c: "two" } });
    expect(await redis.hmget("h", "a", "none")).toEqual({ a: 1, none: null });
    await redis.mset({ x: 1, y: "why" });
    expect(await redis.mget("x", "y", "z")).toEqual([1, "why", null]);
    await redis.zadd("z", { score: 1, member: "one" }, { score: 2, member: "two" });
    expect(await redis.zrange("z", 0, -1, { withScores: true })).toEqual(["one", 1, "two", 2]);
    await redis.xadd("x1", "1-1", { field: "value" });
    expect(await redis.xrange("x1", "-", "+")).toEqual({ "1-1": { field: "value" } });
    await redis.geoadd("geo", { longitude: 13.36, latitude: 38.11, member: "Palermo" });
    expect(await redis.geopos("geo", "Palermo")).toMatchObject([{ lat: expect.any(Number) }]);
    expect(await redis.scan(0, { match: "h", count: 1_000 })).toEqual(["0", ["h"]]);
    await expect(redis.json.set("j", "$", { a: 1 })).rejects.toThrow(/unknown command/);
  });

  it("scripts run by digest, and by source where the digest is not known", async () => {
    const redis = open();
    await redis.scriptFlush();
    const script = redis.createScript<[string, number]>("return {KEYS[1], #ARGV}");
    expect(await script.exec(["k"], ["a", "b"])).toEqual(["k", 2]);
    expect(await script.eval(["k"], [])).toEqual(["k", 0]);
  });

  it("pipelines, transactions and what it pipelines by itself keep their order", async () => {
    const redis = open();
    const [pipelined, inOne] = [redis.pipeline(), redis.multi()];
    for (const batch of [pipelined, inOne]) batch.set("n", 1).incr("n").hset("h", { ab: "cd" }).hgetall("h");
    expect(await pipelined.exec()).toEqual(["OK", 2, 1, { ab: "cd" }]);
    expect(await inOne.exec()).toEqual(["OK", 2, 0, { ab: "cd" }]);
    expect(await Promise.all([redis.incr("n"), redis.incr("n"), redis.incr("n")])).toEqual([3, 4, 5]);
    const failed = redis.pipeline().lpush("n", 1).get("n");
    expect(await failed.exec({ keepErrors: true })).toMatchObject([
      { error: expect.stringContaining("WRONGTYPE") },
      { result: 5 },
    ]);
  });

  it("one who listens or waits keeps nobody else waiting", async () => {
    const redis = open();
    const subscriber = redis.subscribe(["channel"]);
    await new Promise<number>((resolve) => subscriber.on("subscribe", resolve));
    await expect(redis.exec(["XREAD", "BLOCK", "0", "STREAMS", "x", "$"])).rejects.toThrow("not available");
    expect(await redis.ping()).toBe("PONG");
    await subscriber.unsubscribe();
  });
});
