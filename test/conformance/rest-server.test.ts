import { Redis } from "@upstash/redis";
import { describe, expect, it } from "vitest";
import { testToken } from "../support/redis.ts";
import { restBackends, useRest } from "../support/rest-under-test.ts";

describe.each(restBackends)("the REST server in front of %s", (_, open) => {
  const rest = useRest(open);
  const { send, post } = rest;

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
    expect(await rest.backend.command(["TTL", "k"])).toBeGreaterThan(90);
    expect((await send("/get/k", { method: "HEAD" })).status).toBe(200);
  });

  it("passes bytes that are no text through a path, both ways", async () => {
    await send("/lpush/q/%FF%00%C3");
    expect(await rest.backend.command(["LRANGE", "q", 0, -1])).toEqual(["\xff\0\xc3"]);
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
    await rest.backend.command(["SET", "k", "OK"]);
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

  it("serves the real @upstash/redis client: commands, pipelines, transactions", async () => {
    const redis = new Redis({ url: rest.url, token: testToken });
    await redis.lpush<unknown>("q", { b: 1 }, "text", 7);
    expect(await redis.lrange("q", 0, -1)).toEqual([7, "text", { b: 1 }]);
    expect(await redis.pipeline().set("k", "é🙂").get("k").exec()).toEqual(["OK", "é🙂"]);
    expect(await redis.multi().incr("n").incr("n").exec()).toEqual([1, 2]);
    expect(await redis.rpop("q")).toEqual({ b: 1 });
  });
});
