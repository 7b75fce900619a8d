import { request as httpRequest, type OutgoingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { testToken } from "../support/redis.ts";
import { restBackends, useRest } from "../support/rest-under-test.ts";

describe.each(restBackends)("what the REST server is sent, in front of %s", (_, open) => {
  const rest = useRest(open);
  const { send, post } = rest;

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
    expect(await rest.backend.command(["DBSIZE"])).toBe(0);
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
    expect(await rest.backend.command(["GET", "k"])).toBe(stored);
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
    expect(await rest.backend.command(["GET", key])).toBe(value);
  });

  it.each<[string, string, OutgoingHttpHeaders, number, unknown]>([
    ["dots that a URL would resolve", "/echo/..", {}, 200, { result: ".." }],
    ["encoded dots", "/echo/%2e%2E", {}, 200, { result: ".." }],
    ["an empty first part", "//ping", {}, 400, { error: "ERR empty command" }],
    [
      "base64 asked for twice",
      "/echo/a",
      { "upstash-encoding": ["base64", "base64"] },
      200,
      { result: "YQ==" },
    ],
    [
      "two formats",
      "/ping",
      { "upstash-response-format": ["json", "resp2"] },
      400,
      { error: expect.any(String) },
    ],
    ["another content type", "/ping", { "content-type": "multipart/form-data" }, 200, { result: "PONG" }],
    [
      "a token before the right one",
      `/ping?_token=a&_token=${testToken}`,
      { authorization: "" },
      401,
      { error: expect.any(String) },
    ],
  ])("reads requests as they were sent: %s", async (_, path, headers, status, body) => {
    const answer = await new Promise<{ status: number | undefined; body: unknown }>((resolve, reject) => {
      const sent = { authorization: `Bearer ${testToken}`, ...headers };
      const request = httpRequest(rest.url, { path, headers: sent, agent: false }, async (response) => {
        resolve({ status: response.statusCode, body: JSON.parse(await text(response)) });
      });
      request.once("error", reject).end();
    });
    expect(answer).toEqual({ status, body });
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
});
