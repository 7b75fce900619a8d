import { Redis as Upstash } from "@upstash/redis";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import type { RestServer } from "../../adapters/local/rest-server.ts";
import { startRest, startTestRedis, testToken } from "../support/redis.ts";
import { commands, type Given, setUp } from "./rest-commands.ts";

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
