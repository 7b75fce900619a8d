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
    rest = await startRestServer({ port: 0, token: testToken, backend, maxRequestBytes: 800_000 });
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

  const deep = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;

  it.each<[string, string, string | Buffer, number]>([
    ["a body that is not JSON", "/", "[", 400],
    ["no body", "/", "", 400],
    ["an object", "/", '{"a":1}', 400],
    ["null", "/", "null", 400],
    ["a text", "/", '"PING"', 400],
    ["NaN", "/", '["SET","k",NaN]', 400],
    ["an empty array", "/", "[]", 400],
    ["a command without a name", "/", '[""]', 400],
    ["an unknown command", "/", '["NOSUCH","x"]', 400],
    ["a command that JavaScript knows", "/", '["constructor"]', 400],
    ["a command that JavaScript knows", "/", '["__proto__","x"]', 400],
    ["a command that JavaScript knows", "/", '["toString","x"]', 400],
    ["too few arguments", "/", '["GET"]', 400],
    ["deep nesting", "/", deep(200_000), 400],
    ["deep nesting in a command", "/", `["SET","k",${deep(200_000)}]`, 400],
    ["deep nesting in a pipeline", "/pipeline", deep(200_000), 400],
    ["deep nesting beside a large number", "/", `["SET","k",1e999,${deep(200_000)}]`, 400],
    ["bytes that are not UTF-8", "/", Buffer.from('["SET","k","\xff"]', "latin1"), 400],
    ["a pipeline that is no array of arrays", "/pipeline", '["GET","k"]', 400],
    ["an object in a pipeline", "/pipeline", '[["GET","k"],{}]', 400],
    ["an empty pipeline", "/pipeline", "[]", 400],
    ["an empty command in a pipeline", "/pipeline", "[[]]", 400],
    ["a transaction with a bad command", "/multi-exec", '[["SET","k","v"],["NOSUCH"]]', 400],
    [
      "a transaction with a command that is not served",
      "/multi-exec",
      '[["SET","k","v"],["blpop","q",0]]',
      400,
    ],
    ["an empty transaction", "/multi-exec", "[]", 400],
    ["a body too large", "/", JSON.stringify(["SET", "k", "x".repeat(900_000)]), 413],
  ])("answers %s with an error and its status", async (_case, path, body, status) => {
    const answer = await send(path, { method: "POST", body: body as string });
    expect(answer).toEqual({ status, body: { error: expect.stringMatching(/^(ERR|EXECABORT) ./) } });
    expect(await backend.command(["DBSIZE"])).toBe(0);
  });

  it.each([
    ["blpop", "q", 0],
    ["BRPOP", "q", 0],
    ["BLMOVE", "a", "b", "LEFT", "LEFT", 0],
    ["BLMPOP", 0, 1, "q", "LEFT"],
    ["BRPOPLPUSH", "a", "b", 0],
    ["BZPOPMIN", "z", 0],
    ["BZPOPMAX", "z", 0],
    ["BZMPOP", 0, 1, "z", "MIN"],
    ["XREAD", "BLOCK", 0, "STREAMS", "x", "$"],
    ["xread", "count", 1, "block", 0, "streams", "x", "$"],
    ["XREADGROUP", "GROUP", "g", "c", "NOACK", "BLOCK", 0, "STREAMS", "x", ">"],
    ["WAIT", 1, 0],
    ["WAITAOF", 1, 0, 0],
    ["SUBSCRIBE", "c"],
    ["PSUBSCRIBE", "c*"],
    ["SSUBSCRIBE", "c"],
    ["UNSUBSCRIBE"],
    ["MONITOR"],
    ["MULTI"],
    ["EXEC"],
    ["DISCARD"],
    ["WATCH", "k"],
    ["UNWATCH"],
    ["SELECT", 1],
    ["CLIENT", "REPLY", "OFF"],
    ["CLIENT", "SETINFO", "LIB-NAME", "x"],
    ["HELLO", 3],
    ["AUTH", "x"],
    ["RESET"],
    ["quit"],
    ["SHUTDOWN"],
    ["DEBUG", "SLEEP", 100],
    ["SCRIPT", "DEBUG", "YES"],
    ["REPLCONF", "ACK", 1],
  ])(
    "does not serve what blocks or keeps state on a connection, but the rest of its pipeline: %s %s",
    async (...parts) => {
      const command = parts.filter((part) => part !== undefined);
      const refused = { error: expect.stringMatching(/^ERR Command is not available: '[A-Z]+'$/) };
      expect(await post("/", command)).toEqual({ status: 400, body: refused });
      expect(await send(`/${command.join("/")}`)).toEqual({ status: 400, body: refused });
      expect(await post("/pipeline", [["SET", "k", "v"], command, ["GET", "k"]])).toEqual({
        status: 200,
        body: [{ result: "OK" }, refused, { result: "v" }],
      });
    },
  );

  it.each([
    ["a large number", '["SET","k",12345678901234567890]', "12345678901234567890"],
    ["a number past all doubles", '["SET","k",1e400]', "1e400"],
    ["a fraction", '["SET","k",0.1]', "0.1"],
    ["false", '["SET","k",false]', "false"],
    ["null", '["SET","k",null]', "null"],
    ["an object", '["SET","k",{"b":1,"a":[2]}]', '{"b":1,"a":[2]}'],
    ["NUL and an escape", '["SET","k","\\u0000\\n"]', "\0\n"],
    ["half an emoji", '["SET","k","\\ud83d"]', "\xef\xbf\xbd"],
    ["an empty text", '["SET","k",""]', ""],
  ])("takes %s as an argument", async (_, body, stored) => {
    expect(await post("/", body)).toEqual({ status: 200, body: { result: "OK" } });
    expect(await backend.command(["GET", "k"])).toBe(stored);
  });

  it.each([
    ["/set/k/%zz%4", "k", "%zz%4"],
    ["/set/k/a+b", "k", "a+b"],
    ["/set/k/", "k", ""],
    ["/set/%2F%3F/%FF", "/?", "\xff"],
    ["/set/k/v?PX=10000&_token=ignored&NX", "k", "v"],
    ["/SeT/é/ü", "\xc3\xa9", "\xc3\xbc"],
  ])("reads the path %s", async (path, key, value) => {
    expect(await send(path)).toEqual({ status: 200, body: { result: "OK" } });
    expect(await backend.command(["GET", key])).toBe(value);
  });

  it("answers in RESP2 where asked for, byte for byte, and never in base64 with it", async () => {
    const ask = async (path: string, body: unknown, more = {}): Promise<[number, string | null, string]> => {
      const headers = {
        authorization: `Bearer ${testToken}`,
        "upstash-response-format": "resp2",
        ...more,
      };
      const response = await fetch(rest.url + path, { method: "POST", headers, body: JSON.stringify(body) });
      const bytes = Buffer.from(await response.arrayBuffer());
      return [response.status, response.headers.get("content-type"), bytes.toString("latin1")];
    };
    const type = "application/octet-stream";
    expect(await ask("/", ["SET", "k", "é"])).toEqual([200, type, "+OK\r\n"]);
    expect(await ask("/", ["GET", "k"])).toEqual([200, type, "$2\r\n\xc3\xa9\r\n"]);
    expect(await ask("/", ["GET", "none"])).toEqual([200, type, "$-1\r\n"]);
    expect(await ask("/", ["BLPOP", "k", 0])).toEqual([400, type, expect.stringMatching(/^-ERR .*\r\n$/)]);
    expect(await ask("/", ["LLEN", "k"])).toEqual([400, type, expect.stringMatching(/^-WRONGTYPE .*\r\n$/)]);
    const all = [
      ["RPUSH", "l", "a", "b"],
      ["blpop", "l", 0],
      ["LRANGE", "l", 0, -1],
    ];
    const [status, , text] = await ask("/pipeline", all);
    expect([status, text]).toEqual([
      200,
      expect.stringMatching(/^:2\r\n-ERR [^\r]*\r\n\*2\r\n\$1\r\na\r\n\$1\r\nb\r\n$/),
    ]);
    expect(await ask("/multi-exec", [["LLEN", "l"]])).toEqual([200, "application/json", '[{"result":2}]']);
    expect((await ask("/", ["PING"], { "upstash-encoding": "base64" }))[0]).toBe(400);
    expect((await ask("/", ["PING"], { "upstash-response-format": "resp3" }))[0]).toBe(400);
    expect((await ask("/", ["PING"], { "upstash-response-format": "json" }))[2]).toBe('{"result":"PONG"}');
  });

  it("gives each answer a sync token of its own, and lets nobody keep an answer", async () => {
    const headers = { authorization: `Bearer ${testToken}` };
    const answers = await Promise.all([1, 2].map(() => fetch(`${rest.url}/ping`, { headers })));
    const tokens = answers.map((answer) => answer.headers.get("upstash-sync-token"));
    expect(new Set(tokens).size).toBe(2);
    expect(tokens).not.toContain(null);
    for (const answer of [...answers, await fetch(`${rest.url}/ping`)]) {
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
  });

  it("tells subscribers and watchers as events, through the real client too", async () => {
    const redis = new Redis({ url: rest.url, token: testToken });
    const heard = (subscriber: ReturnType<typeof redis.subscribe>, event: string): Promise<unknown> =>
      new Promise((resolve) => subscriber.on(event as "message", resolve));
    const [news, all] = [redis.subscribe<unknown>(["news"]), redis.psubscribe<unknown>(["n*"])];
    await Promise.all([heard(news, "subscribe"), heard(all, "psubscribe")]);
    const [message, pmessage] = [heard(news, "message"), heard(all, "pmessage")];
    expect(await redis.publish("news", { a: 1 })).toBe(2);
    expect(await message).toEqual({ channel: "news", message: { a: 1 } });
    expect(await pmessage).toEqual({ pattern: "n*", channel: "news", message: { a: 1 } });
    await Promise.all([news.unsubscribe(), all.unsubscribe()]);
    await expect.poll(() => redis.publish("news", "nobody hears it")).toBe(0);

    const gone = new AbortController();
    const watched = await fetch(`${rest.url}/monitor`, {
      method: "POST",
      headers: { authorization: `Bearer ${testToken}`, accept: "text/event-stream" },
      signal: gone.signal,
    });
    expect(watched.headers.get("content-type")).toContain("text/event-stream");
    let lines = "";
    const reader = (watched.body as ReadableStream<Uint8Array>).getReader();
    const next = async (): Promise<void> => {
      lines += Buffer.from((await reader.read()).value as Uint8Array).toString();
    };
    await next();
    expect(lines).toBe('data: "OK"\n\n');
    await redis.set("k", 'quote " and line\n');
    while (!lines.includes("line")) await next();
    expect(lines).toMatch(/data: \d+\.\d{6} \[0 [^\]]+\] "(SET|set)" "k" "quote \\" and line\\n"/);
    gone.abort();
  });

  it("wants the token, as bearer or in the query, and nothing but the token", async () => {
    const refused = {
      status: 401,
      body: { error: expect.stringContaining("invalid or missing auth token") },
    };
    const wrong = [
      "Bearer wrong",
      "",
      "Bearer",
      "Bearer  ",
      testToken,
      `Basic ${testToken}`,
      `Bearer ${testToken} x`,
    ];
    for (const authorization of wrong) {
      expect(await send("/ping", { headers: { authorization } }), authorization).toEqual(refused);
    }
    for (const authorization of [`bearer ${testToken}`, `BEARER   ${testToken}`]) {
      expect((await send("/ping", { headers: { authorization } })).status, authorization).toBe(200);
    }
    expect(await send("/ping?_token=", { headers: { authorization: "" } })).toEqual(refused);
    expect(await send(`/ping?_token=${testToken}x`, { headers: { authorization: "" } })).toEqual(refused);
    expect(await send(`/ping?_token=${testToken}`, { headers: { authorization: "" } })).toEqual({
      status: 200,
      body: { result: "PONG" },
    });
  });

  it("refuses other methods with 405", async () => {
    expect((await send("/", { method: "DELETE" })).status).toBe(405);
    for (const method of ["PATCH", "OPTIONS", "DELETE"]) {
      expect((await send("/get/k", { method })).status).toBe(405);
    }
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
