import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { cloudflareHandler } from "../../adapters/hosts/cloudflare/index.ts";
import { fetchHandler } from "../../adapters/hosts/fetch/index.ts";
import { lambdaHandler } from "../../adapters/hosts/lambda/index.ts";
import { startServer } from "../../adapters/hosts/node/server.ts";
import { createHttpApp, type HttpToken, operations } from "../../adapters/http/index.ts";
import { memory } from "../../adapters/local/memory.ts";
import {
  createDrain,
  createSpillway,
  type DrainReport,
  deadLetter,
  type HostedDrain,
  type Message,
} from "../../src/index.ts";
import { MemoryConnection } from "../support/memory-connection.ts";
import { recordedDrain } from "../support/recorded-drain.ts";
import { SideDoor } from "../support/side-door.ts";

const tokens: (HttpToken & { token: string })[] = [
  { token: "reads", scopes: ["read"] },
  { token: "drains", scopes: ["drain"] },
  { token: "pushes", scopes: ["push"] },
  { token: "operates", scopes: ["operate"] },
];

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: whatever a route answers.
  readonly body: any;
  readonly headers: Headers;
}

/** A Node server over a socket, with a store of its own. */
async function serve(make: (redis: ReturnType<typeof memory>) => HostedDrain, routes = [operations()]) {
  const redis = memory();
  const drain = make(redis);
  const server = await startServer(drain, {
    port: 0,
    tokens,
    routes,
    stopsBySignal: false,
    onReport: () => undefined,
  });
  onTestFinished(() => server.stop());
  const call = async (method: string, path: string, body?: unknown, token = "operates"): Promise<Answer> => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "Content-Type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
  };
  return { drain, server, call, door: new SideDoor(() => new MemoryConnection(redis)) };
}

const mail = (handler: (message: Message) => unknown = () => undefined) =>
  serve((redis) => createDrain({ redis, list: "mail", handler: handler as never }));

describe("an operator over HTTP", () => {
  it("pushes messages of every kind, and looks at them", async () => {
    const { call, door } = await mail();
    const messages = ["text", "", { payload: '{"n":1}' }, { base64: "AP8K" }];
    expect(await call("POST", "/messages", { messages })).toMatchObject({
      status: 200,
      body: { pushed: 4, duplicates: [], length: 4, woken: false, wakeError: null },
    });
    expect(await door.waiting("mail")).toHaveLength(4);
    const { body } = await call("GET", "/messages?count=4");
    expect(body.messages).toMatchObject([
      { list: "mail", place: "list", payload: "text", base64: null, size: 4, attempts: 0 },
      { payload: "", size: 0 },
      { payload: '{"n":1}' },
      { base64: "AP8K", size: 3 },
    ]);
    expect((await call("GET", "/messages?from=newest&count=1")).body.messages).toMatchObject([
      { base64: "AP8K" },
    ]);
    await call("POST", "/messages", { messages: ["later"], delayMs: 60_000 });
    expect((await call("GET", "/messages?place=delayed")).body.messages).toMatchObject([
      { place: "delayed", payload: "later", dueAt: expect.any(Number) },
    ]);
  });

  it("sees a payload as text to the byte, also where it begins with a BOM or is cut within a character", async () => {
    const { call, door } = await serve((redis) =>
      createDrain({ redis, list: "mail", handler: () => deadLetter("no") }),
    );
    const long = "\u20ac".repeat(30_000);
    await call("POST", "/messages", { messages: ["\ufeffbom", long] });
    const shown = [
      { payload: "\ufeffbom", base64: null, size: 6 },
      { payload: long.slice(0, 21_845), base64: null, size: 90_000 },
    ];
    expect((await call("GET", "/messages")).body.messages).toMatchObject(shown);
    await call("POST", "/drain");
    expect((await call("GET", "/dead-letters")).body.deadLetters).toMatchObject(shown);
    expect(await door.waiting("mail")).toEqual([]);
  });

  it("is refused a body that is no UTF-8: another message would be pushed than was sent", async () => {
    const { server, door } = await mail();
    const headers = { Authorization: "Bearer pushes", "Content-Type": "application/json" };
    const body = Buffer.from('{"messages":["caf\u00e9"]}', "latin1");
    const response = await fetch(`${server.url}/messages`, { method: "POST", headers, body });
    expect([response.status, await response.json()]).toMatchObject([400, { status: 400 }]);
    expect(await door.waiting("mail")).toEqual([]);
  });

  it("is told what this process has acknowledged and failed of each list since the first question", async () => {
    const { call, drain } = await serve((redis) =>
      createSpillway({
        redis,
        lists: {
          mail: { handler: () => undefined, sentAt: ({ value }) => value as number },
          down: { handler: () => Promise.reject(new Error("down")), retryDelay: () => 60_000 },
          idle: { handler: () => undefined },
        },
      }),
    );
    const handled = async () =>
      (await call("GET", "/lists")).body.lists.map((one: { handled: unknown }) => one.handled);
    expect(await handled()).toEqual([null, null, null]);
    await call("POST", "/messages?list=mail", { messages: ["1", "2"] });
    await call("POST", "/messages?list=down", { messages: ["1"] });
    await drain.run();
    expect(await handled()).toEqual([
      { acked: 2, failed: 0, oldestMs: expect.any(Number) },
      { acked: 0, failed: 1, oldestMs: null },
      null,
    ]);
  });

  it("is told the same of all shards together, each message once however often it has asked", async () => {
    const { call, drain } = await serve((redis) =>
      createDrain({ redis, list: "mail", handler: () => undefined, shards: 3 }),
    );
    for (let times = 0; times < 3; times++) await call("GET", "/lists");
    await call("POST", "/messages", { messages: ["1", "2", "3", "4", "5"] });
    await drain.run();
    expect((await call("GET", "/lists")).body.lists).toMatchObject([{ list: "mail", handled: { acked: 5 } }]);
  });

  it("pushes a message once by its id, also where two have equal payloads", async () => {
    const { call, door } = await mail();
    const messages = ["a", "b"].map((id) => ({ payload: "same", id }));
    const body = { messages, ttlMs: 60_000 };
    expect((await call("POST", "/messages", body)).body).toMatchObject({ pushed: 2 });
    expect((await call("POST", "/messages", body)).body).toMatchObject({ pushed: 0, duplicates: [0, 1] });
    expect(await door.waiting("mail")).toEqual(["same", "same"]);
  });

  it.each<[string, unknown]>([
    ["nothing", {}],
    ["no message", { messages: [] }],
    ["a number", { messages: [1] }],
    ["null", { messages: [null] }],
    ["two payloads in one", { messages: [{ payload: "a", base64: "YQ==" }] }],
    ["no payload", { messages: [{ id: "a" }], ttlMs: 1 }],
    ["what is no base64", { messages: [{ base64: "%" }] }],
    ["an id and no time", { messages: [{ payload: "a", id: "1" }] }],
    ["a time and no id", { messages: ["a"], ttlMs: 1 }],
    ["an id for one of two", { messages: ["a", { payload: "a", id: "1" }], ttlMs: 1 }],
    ["a delay of 1e21", { messages: ["a"], delayMs: 1e21 }],
    ["two times", { messages: ["a"], delayMs: 1, at: 1 }],
    ["an unknown name", { messages: ["a"], wake: false }],
    ["more than 1,000", { messages: Array(1_001).fill("a") }],
    ["an array", []],
    ["text", "messages"],
  ])("is told what is wrong with a push of %s, and nothing is pushed", async (_, body) => {
    const { call, door } = await mail();
    expect(await call("POST", "/messages", body)).toMatchObject({
      status: 400,
      body: { status: 400, detail: expect.any(String) },
    });
    expect(await door.everything()).toEqual({});
  });

  it("sees dead letters, page by page and by what they say, redrives and purges them", async () => {
    const { call, drain, door } = await mail(({ payload }) => deadLetter(payload === "c" ? "third" : "no"));
    await call("POST", "/messages", { messages: ["a", "b", "c", { base64: "AP8K" }] });
    await drain.run();

    const first = await call("GET", "/dead-letters?max=3");
    expect(first.body.deadLetters).toMatchObject([
      { payload: "a", reason: "no", size: 1, error: null, attempts: 1 },
      { payload: "b" },
      { payload: "c" },
    ]);
    const rest = await call("GET", `/dead-letters?max=3&after=${first.body.next}`);
    expect(rest.body).toMatchObject({ deadLetters: [{ base64: "AP8K" }], next: null });
    expect((await call("GET", "/dead-letters?reason=third")).body.deadLetters).toHaveLength(1);
    expect((await call("GET", "/dead-letters?since=99999999999999")).body.deadLetters).toEqual([]);
    expect((await call("GET", "/dead-letters?after=gone")).status).toBe(404);

    const [{ id }] = first.body.deadLetters;
    expect((await call("GET", `/dead-letters/${id}`)).body).toMatchObject({ id, payload: "a" });
    expect((await call("GET", "/dead-letters/gone")).status).toBe(404);

    expect((await call("POST", "/dead-letters/redrive", {})).status).toBe(400);
    expect((await call("POST", "/dead-letters/purge", { where: {} })).status).toBe(400);
    expect((await call("POST", "/dead-letters/purge", { filter: "x", max: 1 })).status).toBe(400);
    const where = { id };
    expect((await call("POST", "/dead-letters/redrive", { where, dryRun: true })).body).toEqual({
      redriven: 1,
    });
    expect((await call("POST", "/dead-letters/redrive", { where })).body).toEqual({ redriven: 1 });
    expect(await door.waiting("mail")).toEqual(["a"]);
    expect((await call("POST", "/dead-letters/purge", { where: { reason: "third" } })).body).toEqual({
      purged: 1,
    });
    expect((await call("POST", "/dead-letters/purge", { all: true })).body).toEqual({ purged: 2 });
    expect(Object.keys(await door.everything())).toEqual(["mail"]);
  });

  it("pages through dead letters that another program has put there, which have no id, each once", async () => {
    const { call, door } = await mail();
    const own = (id: string) => `{"id":"${id}","reason":"no"}\n${id}`;
    const all = ["x", "y", own("a.1"), "z", own("b.1"), "v", "w"];
    await door.redis.rpush("{mail}:dead", ...all);
    for (const max of [1, 2, 3]) {
      const seen: string[] = [];
      let after: string | null = "";
      for (let page = 0; after !== null && page <= all.length; page++) {
        const query = after && `&after=${encodeURIComponent(after)}`;
        const { body } = await call("GET", `/dead-letters?order=newest&max=${max}${query}`);
        seen.push(...body.deadLetters.map((one: { payload: string }) => one.payload));
        after = body.next;
      }
      expect([max, seen, after]).toEqual([max, ["x", "y", "a.1", "z", "b.1", "v", "w"], null]);
    }
  });

  it.each([
    '"error":5,"issues":5',
    '"error":{"name":1,"message":"m"},"issues":[null,5,{"path":1}]',
    '"error":{"name":"n","message":"m","stack":5},"issues":{"length":1}',
  ])("sees no error where another program wrote %s, which no page could show", async (forged) => {
    const { call, door } = await mail();
    await door.redis.rpush("{mail}:dead", `{"id":"a.1",${forged}}\nx`);
    expect((await call("GET", "/dead-letters/a.1")).body).toMatchObject({
      payload: "x",
      error: null,
      issues: [],
    });
  });

  it.each(["oldest", "newest"])(
    "pages through the dead letters of all shards, each once, the %s first",
    async (order) => {
      const { call, door } = await serve((redis) =>
        createDrain({ redis, list: "mail", handler: () => undefined, shards: 3 }),
      );
      const times = [
        [5, 9, 9, 20],
        [1, 9, 12, 21],
        [9, 9, 10],
      ];
      for (const [shard, all] of times.entries())
        for (const [at, time] of all.entries())
          await door.redis.lpush(
            `{mail:${shard}}:dead`,
            `{"id":"${shard}.${at}","lastFailedAt":${time},"reason":"no"}\n${time}`,
          );
      for (const max of [1, 2, 3, 5]) {
        const seen: string[] = [];
        let after: string | null = "";
        for (let page = 0; after !== null && page <= 11; page++) {
          const query = after && `&after=${encodeURIComponent(after)}`;
          const { body } = await call("GET", `/dead-letters?order=${order}&max=${max}${query}`);
          seen.push(...body.deadLetters.map(({ id }: { id: string }) => id));
          after = body.next;
        }
        expect([max, seen.length, new Set(seen).size, after]).toEqual([max, 11, 11, null]);
      }
    },
  );

  it("pauses, resumes, limits and recovers a list, and sees who holds what", async () => {
    const { call, drain, door } = await mail();
    await door.redis.lpush("{mail}:working:gone.1", "left");
    await door.redis.zadd("{mail}:leases", 1, "gone.1");
    expect((await call("GET", "/leases")).body.leases).toMatchObject([
      { batch: "gone.1", drain: "gone", count: 1, isExpired: true },
    ]);
    expect((await call("POST", "/recover")).body).toEqual({ recovered: 1, adopted: 0 });
    expect((await call("GET", "/leases?max=5")).body).toEqual({ leases: [] });

    expect((await call("POST", "/pause")).body).toEqual({ paused: true });
    expect(await drain.run()).toMatchObject({ stopped: "paused" });
    expect((await call("GET", "/lists")).body.lists).toMatchObject([
      { list: "mail", stats: { paused: true, list: 1 } },
    ]);
    expect((await call("POST", "/resume")).body).toEqual({ paused: false });

    const limit = { messages: 5, windowMs: 1_000 };
    expect((await call("PUT", "/limits", limit)).body).toEqual({ limit });
    expect((await call("GET", "/limits")).body).toEqual({ limit });
    expect((await call("PUT", "/limits", { messages: 0, windowMs: 1 })).status).toBe(400);
    expect((await call("PUT", "/limits", { messages: 1e21, windowMs: 1 })).status).toBe(400);
    expect((await call("DELETE", "/limits")).body).toEqual({ limit: null });
    expect((await call("GET", "/limits")).body).toEqual({ limit: null });
    expect(await drain.run()).toMatchObject({ acked: 1 });
  });

  it("scrapes metrics in Prometheus' form, also of a list whose name has quotes", async () => {
    const { call } = await serve((redis) =>
      createDrain({ redis, list: 'ma"il\n\\', handler: () => undefined }),
    );
    await call("POST", "/messages", { messages: ["a", "b"] });
    const { body, headers } = await call("GET", "/metrics", undefined, "reads");
    expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(body).toContain('spillway_messages{list="ma\\"il\\n\\\\",place="waiting"} 2\n');
    expect(body).toContain("# TYPE spillway_messages gauge\n");
    for (const line of body.trim().split("\n"))
      expect(line).toMatch(/^# (HELP|TYPE) \w+ .+$|^\w+\{(\w+="(\\.|[^"\\])*",?)+\} [\d.]+$/);
  });

  it("learns whether Redis answers, and of no cause where it does not", async () => {
    const { call } = await mail();
    expect(await call("GET", "/health/ready", undefined, "reads")).toMatchObject({ status: 200 });
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    onTestFinished(() => logged.mockRestore());
    const redis = {
      ...memory(),
      name: "broken",
      pipeline: () => Promise.reject(new Error("password")),
      command: () => Promise.reject(new Error("password")),
    };
    const broken = await serve(() => createDrain({ redis, list: "mail", handler: () => undefined }));
    expect(await broken.call("GET", "/health/ready")).toMatchObject({
      status: 503,
      body: { detail: "Redis does not answer." },
    });
    expect((await broken.call("GET", "/health", undefined, "")).status).toBe(200);
    for (const path of ["/lists", "/metrics", "/messages", "/leases", "/dead-letters", "/limits"]) {
      const { status, body } = await broken.call("GET", path);
      expect([status, JSON.stringify(body).includes("password")]).toEqual([503, false]);
    }
    expect(logged).toHaveBeenCalled();
  });
});

describe("a token", () => {
  const routes: [method: string, path: string, opensTo: string][] = [
    ["GET", "/stats", "reads operates"],
    ["GET", "/lists", "reads operates"],
    ["GET", "/messages", "reads operates"],
    ["GET", "/leases", "reads operates"],
    ["GET", "/dead-letters", "reads operates"],
    ["GET", "/limits", "reads operates"],
    ["GET", "/metrics", "reads operates"],
    ["GET", "/health/ready", "reads operates"],
    ["POST", "/drain", "drains operates"],
    ["POST", "/wake", "drains operates"],
    ["POST", "/messages", "pushes operates"],
    ["POST", "/recover", "operates"],
    ["POST", "/pause", "operates"],
    ["POST", "/resume", "operates"],
    ["PUT", "/limits", "operates"],
    ["DELETE", "/limits", "operates"],
    ["POST", "/dead-letters/redrive", "operates"],
    ["POST", "/dead-letters/purge", "operates"],
    ["GET", "/access", "reads drains pushes operates"],
    ["GET", "/openapi.json", "reads drains pushes operates"],
  ];

  it("opens what its scopes say, and nothing else", async () => {
    const { call } = await mail();
    for (const [method, path, opensTo] of routes)
      for (const { token } of tokens) {
        const { status } = await call(method, path, undefined, token);
        expect([method, path, token, status === 403]).toEqual([
          method,
          path,
          token,
          !opensTo.includes(token),
        ]);
        expect(status).not.toBe(401);
      }
  });

  it("that is wrong or missing opens nothing, and after thirty wrong ones a minute 429 says so, while right ones go in", async () => {
    const { call } = await mail();
    for (const [method, path] of routes) expect((await call(method, path, undefined, "")).status).toBe(401);
    const told: number[] = [];
    for (let at = 0; at < 40; at++) told.push((await call("GET", "/lists", undefined, `guess${at}`)).status);
    expect(told).toEqual([...Array(30).fill(401), ...Array(10).fill(429)]);
    const slowed = await call("POST", "/pause", undefined, "guess");
    expect(Number(slowed.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await call("GET", "/lists", undefined, "reads")).status).toBe(200);
  });

  it("tells its bearer what it opens", async () => {
    const { call } = await mail();
    expect((await call("GET", "/access", undefined, "reads")).body).toEqual({ scopes: ["read"] });
  });
});

describe("several lists", () => {
  const several = () =>
    serve((redis) =>
      createSpillway({
        redis,
        lists: { mail: { handler: () => deadLetter("no") }, "tenant:*": { handler: () => deadLetter("no") } },
      }),
    );

  it("are told apart by ?list=, those of a pattern too", async () => {
    const { call, drain, door } = await several();
    await call("POST", "/messages?list=mail", { messages: ["a"] });
    await call("POST", "/messages?list=tenant:7", { messages: ["b", "c"] });
    expect((await call("GET", "/lists")).body).toMatchObject({
      name: "spillway",
      lists: [
        { list: "mail", stats: { list: 1 } },
        { list: "tenant:7", stats: { list: 2 } },
      ],
    });
    expect((await call("GET", "/messages?list=tenant:7")).body.messages).toMatchObject([
      { payload: "b" },
      { payload: "c" },
    ]);
    await drain.run();
    const redriven = await call("POST", "/dead-letters/redrive?list=tenant:7", { max: 1 });
    expect(redriven.body).toEqual({ redriven: 1 });
    expect(await door.redis.hkeys("{tenant:*}:lists")).toEqual(["tenant:7"]);
    expect((await call("GET", "/health/ready")).status).toBe(200);
  });

  it("are told of to a bound where a pattern has many, and each by its name", async () => {
    const { call, door } = await several();
    const names = Array.from({ length: 1_000 }, (_, at) => `tenant:${at}`);
    await door.redis.hset("{tenant:*}:lists", Object.fromEntries(names.map((name) => [name, ""])));
    await door.redis.lpush("tenant:999", "a");
    const { body } = await call("GET", "/lists");
    expect([body.lists.length, body.leftOut]).toEqual([101, 900]);
    expect((await call("GET", "/stats")).body.stats).toMatchObject({ leftOut: 900 });
    expect((await call("GET", "/lists")).body.lists).toEqual(body.lists);
    expect((await call("GET", "/lists?list=tenant:999")).body).toEqual({
      name: "spillway",
      lists: [{ list: "tenant:999", stats: expect.objectContaining({ list: 1 }), handled: null }],
      leftOut: 0,
    });
    for (const [query, status] of [
      ["list=nobody", 404],
      ["list=", 404],
      ["list=tenant:{1}", 404],
      ["list=mail&list=mail", 400],
      ["name=mail", 400],
    ] as const)
      expect((await call("GET", `/lists?${query}`)).status, query).toBe(status);
  });

  it("are named, or the answer says how", async () => {
    const { call } = await several();
    expect(await call("GET", "/messages")).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining("?list=") },
    });
    for (const list of ["other", "tenant:*", "", "__proto__"])
      expect((await call("GET", `/messages?list=${list}`)).status).toBe(404);
    expect((await (await mail()).call("GET", "/messages?list=other")).status).toBe(404);
  });
});

describe("server-sent events", () => {
  it("tell how the lists stand at once, and again when somebody new listens", async () => {
    const { call, server } = await mail();
    const listen = async () => {
      const response = await fetch(`${server.url}/events`, { headers: { Authorization: "Bearer reads" } });
      expect(response.headers.get("content-type")).toBe("text/event-stream");
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      onTestFinished(() => reader.cancel());
      return async () => new TextDecoder().decode((await reader.read()).value);
    };
    const first = await listen();
    expect(await first()).toMatch(
      /^retry: 2000\nevent: lists\ndata: \{"name":"mail","lists":\[.*"list":0,.*\n\n$/,
    );
    await call("POST", "/messages", { messages: ["a"] });
    const second = await listen();
    expect(await second()).toContain('"list":1,');
    expect(await first()).toContain('"list":1,');
  });

  it("keep no seat for who asks for their headers alone", async () => {
    const { server } = await mail();
    const headers = { Authorization: "Bearer reads" };
    for (let time = 0; time < 25; time++) {
      const head = await fetch(`${server.url}/events`, { method: "HEAD", headers });
      expect([head.status, head.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    }
    const listening = await fetch(`${server.url}/events`, { headers });
    expect(listening.status).toBe(200);
    await listening.body?.cancel();
  });

  it("end when the server stops", async () => {
    const { server } = await mail();
    const response = await fetch(`${server.url}/events`, { headers: { Authorization: "Bearer reads" } });
    await server.stop();
    expect(await response.text()).toContain("event: lists");
  });

  it("hold up no server that stops, though their connection could be used again", async () => {
    const { server } = await mail();
    const listening = connect(server.port, "127.0.0.1");
    onTestFinished(() => void listening.destroy());
    listening.write("GET /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer reads\r\n\r\n");
    const [head] = await once(listening, "data");
    expect(String(head)).toMatch(/^HTTP\/1\.1 200 .*\r\nconnection: close\r\n/is);
  });

  it("are one event where an answer must end, as on Lambda", async () => {
    const drain = createDrain({ redis: memory(), list: "mail", handler: () => undefined });
    const app = createHttpApp(drain, { tokens, routes: [operations()] });
    const response = await app.request("/events", { headers: { Authorization: "Bearer reads" } });
    expect((await response.text()).match(/event: lists/g)).toHaveLength(1);
  });
});

describe("routes that operate", () => {
  it("are not there where no host names them", async () => {
    const { call } = await serve(
      (redis) => createDrain({ redis, list: "mail", handler: () => undefined }),
      [],
    );
    for (const path of ["/lists", "/messages", "/openapi.json", "/dead-letters/purge"])
      expect((await call("GET", path)).status).toBe(404);
  });

  it("say what they lack where the drain can only run", async () => {
    const { drain } = recordedDrain({} as DrainReport);
    const app = createHttpApp(drain, { tokens, routes: [operations()] });
    const response = await app.request("/messages", { headers: { Authorization: "Bearer operates" } });
    expect([response.status, (await response.json()).detail]).toEqual([
      501,
      expect.stringContaining("createDrain"),
    ]);
  });

  it.each<[string, string]>([
    ["a name that is not known", "/messages?size=1"],
    ["a name twice", "/messages?count=1&count=2"],
    ["a number that is none", "/messages?count=NaN"],
    ["a number out of bounds", "/messages?count=1e21"],
    ["a place that there is not", "/messages?place=dead"],
    ["a moment that is none", "/dead-letters?since=-1"],
    ["a page of none", "/dead-letters?max=0"],
    ["a query where there is none", "/health/ready?list=mail"],
  ])("refuse %s", async (_, path) => {
    const { call } = await mail();
    expect(await call("GET", path)).toMatchObject({
      status: 400,
      body: { title: "Bad Request", status: 400 },
    });
  });
});

describe("every host", () => {
  const request = (path: string, init: RequestInit = {}): Request =>
    new Request(`https://drain.example${path}`, {
      ...init,
      headers: { Authorization: "Bearer operates", "Content-Type": "application/json" },
    });
  const options = (redis = memory()) => ({ redis, list: "mail", handler: () => undefined });
  const context = { waitUntil: () => undefined, passThroughOnException: () => undefined };
  const routes = [operations()];
  const hosts: [name: string, make: () => (asked: Request) => Promise<Response>][] = [
    [
      "fetchHandler",
      () => {
        const handle = fetchHandler(createDrain(options()), { tokens, routes });
        return (asked) => handle(asked);
      },
    ],
    [
      "cloudflareHandler",
      () => {
        const redis = memory();
        const given = { tokens: () => tokens, routes, continuation: null };
        const handlers = cloudflareHandler(
          () => (more) => createDrain({ ...options(redis), ...more }),
          given,
        );
        return (asked) => handlers.fetch(asked, {}, context as never);
      },
    ],
    [
      "lambdaHandler",
      () => {
        const handle = lambdaHandler(createDrain(options()), { tokens, routes, metrics: false });
        return async (asked) => {
          const { pathname, searchParams } = new URL(asked.url);
          const event = {
            version: "2.0",
            rawPath: pathname,
            rawQueryString: searchParams.toString(),
            headers: Object.fromEntries(asked.headers),
            requestContext: { http: { method: asked.method }, domainName: "drain.example" },
            body: await asked.text(),
            isBase64Encoded: false,
          };
          const said = (await handle(event, lambdaContext as never)) as { statusCode: number; body: string };
          return new Response(said.body, { status: said.statusCode });
        };
      },
    ],
  ];
  const lambdaContext = {
    functionName: "f",
    invokedFunctionArn: "arn",
    awsRequestId: "id",
    getRemainingTimeInMillis: () => 30_000,
  };

  it.each(hosts)("serves them, by its own options: %s", async (_, make) => {
    const handle = make();
    const pushed = await handle(request("/messages", { method: "POST", body: '{"messages":["a"]}' }));
    expect(await pushed.json()).toMatchObject({ pushed: 1 });
    const peeked = await handle(request("/messages?count=1"));
    expect(await peeked.json()).toMatchObject({ messages: [{ payload: "a" }] });
    expect((await handle(request("/dead-letters/x"))).status).toBe(404);
    expect((await handle(request("/lists", { method: "PUT" }))).status).toBe(405);
    expect((await handle(request("/events"))).status).toBe(200);
    expect((await handle(request("/nothing"))).status).toBe(404);
    expect((await handle(new Request("https://drain.example/lists"))).status).toBe(401);
    expect((await handle(request("/health"))).status).toBe(200);
  });
});
