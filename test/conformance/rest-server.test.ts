import { Redis } from "@upstash/redis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Backend } from "../../adapters/local/backend.ts";
import { memory } from "../../adapters/local/memory.ts";
import { redisBackend } from "../../adapters/local/redis-backend.ts";
import { type RestServer, startRestServer } from "../../adapters/local/rest-server.ts";
import { startTestRedis, testToken } from "../support/redis.ts";

const backends: Record<string, () => Promise<{ backend: Backend; stop(): Promise<void> }>> = {
  "the in-memory store": async () => ({ backend: memory(), stop: async () => undefined }),
  "a real Redis": async () => {
    const server = await startTestRedis();
    return { backend: redisBackend({ url: server.url }), stop: () => server.stop() };
  },
};

describe.each(Object.entries(backends))("the REST server in front of %s", (_, open) => {
  let rest: RestServer;
  let backend: Backend;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    ({ backend, stop } = await open());
    rest = await startRestServer({ port: 0, token: testToken, backend, maxRequestBytes: 10_000 });
  });

  beforeEach(async () => {
    await backend.command(["FLUSHALL"]);
  });

  afterAll(async () => {
    await rest.close();
    await stop();
  });

  interface Answer {
    status: number;
    body: unknown;
  }

  const send = async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const headers = { authorization: `Bearer ${testToken}`, ...(init.headers as Record<string, string>) };
    const response = await fetch(rest.url + path, { ...init, headers });
    const text = await response.text();
    return { status: response.status, body: text === "" ? "" : JSON.parse(text) };
  };
  const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    send(path, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body), headers });

  it("runs a command given as a JSON array", async () => {
    expect(await post("/", ["SET", "k", "v"])).toEqual({ status: 200, body: { result: "OK" } });
    expect(await post("/", ["GET", "k"])).toEqual({ status: 200, body: { result: "v" } });
    expect(await post("/", ["GET", "none"])).toEqual({ status: 200, body: { result: null } });
    expect(await post("/", ["INCRBY", "n", 5])).toEqual({ status: 200, body: { result: 5 } });
    expect(await post("/", ["SET", "b", true])).toEqual({ status: 200, body: { result: "OK" } });
    expect(await post("/", ["GET", "b"])).toEqual({ status: 200, body: { result: "true" } });
  });

  it("runs a command given as a path, by GET, POST and PUT, its body the last argument", async () => {
    expect(await send("/set/k/a%20b%2Fc")).toEqual({ status: 200, body: { result: "OK" } });
    expect(await send("/get/k")).toEqual({ status: 200, body: { result: "a b/c" } });
    expect(await post("/set/k", "from the body")).toEqual({ status: 200, body: { result: "OK" } });
    expect(await send("/get/k")).toEqual({ status: 200, body: { result: "from the body" } });
    expect(await send("/set/k?EX=100", { method: "PUT", body: "v" })).toEqual({
      status: 200,
      body: { result: "OK" },
    });
    expect(await backend.command(["TTL", "k"])).toBeGreaterThan(90);
    expect((await send("/get/k", { method: "HEAD" })).status).toBe(200);
  });

  it("passes bytes that are no text through a path, both ways", async () => {
    await send("/lpush/q/%FF%00%C3");
    expect(await backend.command(["LRANGE", "q", 0, -1])).toEqual(["\xff\0\xc3"]);
    const answer = await send("/lrange/q/0/-1", { headers: { "upstash-encoding": "base64" } });
    expect(answer.body).toEqual({ result: [btoa("\xff\0\xc3")] });
    expect(await send("/lrem/q/1/%FF%00%C3")).toEqual({ status: 200, body: { result: 1 } });
  });

  it("encodes every string in base64 when asked, but for OK, numbers and null", async () => {
    const base64 = { "upstash-encoding": "base64" };
    expect((await post("/", ["SET", "k", "é"], base64)).body).toEqual({ result: "OK" });
    expect((await post("/", ["GET", "k"], base64)).body).toEqual({
      result: Buffer.from("é").toString("base64"),
    });
    expect((await post("/", ["GET", "none"], base64)).body).toEqual({ result: null });
    expect((await post("/", ["STRLEN", "k"], base64)).body).toEqual({ result: 2 });
    await backend.command(["SET", "k", "OK"]);
    expect((await post("/", ["MGETX"], base64)).status).toBe(400);
    expect(
      (
        await post(
          "/pipeline",
          [
            ["GET", "k"],
            ["KEYS", "k"],
          ],
          base64,
        )
      ).body,
    ).toEqual([{ result: "OK" }, { result: ["aw=="] }]);
  });

  it("runs a pipeline in order, errors in the places of the commands that failed", async () => {
    const answer = await post("/pipeline", [["LPUSH", "l", "a"], ["GET", "l"], ["LLEN", "l"], ["NOSUCH"]]);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject([
      { result: 1 },
      { error: "WRONGTYPE Operation against a key holding the wrong kind of value" },
      { result: 1 },
      { error: expect.stringContaining("ERR unknown command") },
    ]);
  });

  it("runs a transaction, a runtime error in it hiding no other result", async () => {
    const answer = await post("/multi-exec", [
      ["LPUSH", "l", "a"],
      ["GET", "l"],
      ["LLEN", "l"],
    ]);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject([
      { result: 1 },
      { error: expect.stringContaining("WRONGTYPE") },
      { result: 1 },
    ]);
  });

  it.each([
    ["a body that is not JSON", "/", "[", 400],
    ["no body", "/", "", 400],
    ["an object", "/", '{"a":1}', 400],
    ["an empty array", "/", "[]", 400],
    ["a command without a name", "/", '[""]', 400],
    ["an unknown command", "/", '["NOSUCH","x"]', 400],
    ["too few arguments", "/", '["GET"]', 400],
    ["a blocking command", "/", '["BRPOP","q",0]', 400],
    ["a connection's command", "/", '["SUBSCRIBE","c"]', 400],
    ["a pipeline that is no array of arrays", "/pipeline", '["GET","k"]', 400],
    ["an empty pipeline", "/pipeline", "[]", 400],
    ["a transaction with a bad command", "/multi-exec", '[["SET","k","v"],["NOSUCH"]]', 400],
    ["a body too large", "/", JSON.stringify(["SET", "k", "x".repeat(20_000)]), 413],
  ])("answers %s with an error and its status", async (_case, path, body, status) => {
    const answer = await post(path, body);
    expect(answer).toEqual({ status, body: { error: expect.stringMatching(/^(ERR|EXECABORT) ./) } });
    expect(await backend.command(["DBSIZE"])).toBe(0);
  });

  it("wants the token, as bearer or in the query, and nothing but the token", async () => {
    const refused = {
      status: 401,
      body: { error: expect.stringContaining("invalid or missing auth token") },
    };
    expect(await send("/ping", { headers: { authorization: "Bearer wrong" } })).toEqual(refused);
    expect(await send("/ping", { headers: { authorization: "" } })).toEqual(refused);
    expect(await send(`/ping?_token=${testToken}x`, { headers: { authorization: "" } })).toEqual(refused);
    expect(await send(`/ping?_token=${testToken}`, { headers: { authorization: "" } })).toEqual({
      status: 200,
      body: { result: "PONG" },
    });
  });

  it("refuses other methods with 405", async () => {
    expect((await send("/", { method: "DELETE" })).status).toBe(405);
    expect((await send("/get/k", { method: "PATCH" })).status).toBe(405);
  });

  it("serves the real @upstash/redis client: commands, pipelines, transactions", async () => {
    const redis = new Redis({ url: rest.url, token: testToken });
    await redis.lpush<unknown>("q", { b: 1 }, "text", 7);
    expect(await redis.lrange("q", 0, -1)).toEqual([7, "text", { b: 1 }]);
    expect(await redis.pipeline().set("k", "é🙂").get("k").exec()).toEqual(["OK", "é🙂"]);
    expect(await redis.multi().incr("n").incr("n").exec()).toEqual([1, 2]);
    expect(await redis.rpop("q")).toEqual({ b: 1 });
  });
});
