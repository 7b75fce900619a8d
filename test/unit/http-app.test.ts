import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createHttpApp, type HttpAppOptions } from "../../adapters/http/index.ts";
import {
  ClosedError,
  type Drain,
  type DrainReport,
  OptionError,
  RedisReplyError,
  RedisTransportError,
  type RunOptions,
} from "../../src/index.ts";
import { recordedDrain } from "../support/recorded-drain.ts";

const token = "a-token";
const report: DrainReport = {
  claimed: 3,
  acked: 3,
  retried: 0,
  deadLettered: 0,
  released: 0,
  lostLease: 0,
  unsettled: 0,
  leftBehind: 0,
  finished: 0,
  recovered: 0,
  remaining: 0,
  oldestMs: null,
  nextDueAt: null,
  stopped: "empty",
  continuedWith: null,
  declined: null,
  started: 0,
  requests: 3,
  commands: 14,
  elapsedMs: 5,
  failures: [],
  error: null,
};

/** The problem that an answer tells, as RFC 9457 has it. */
async function problemOf(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const told = await response.json();
  expect(told).toEqual(
    expect.objectContaining({
      title: expect.any(String),
      status: response.status,
      detail: expect.any(String),
    }),
  );
  return told;
}

/** What is logged as an error until the test has ended. */
function errorLog(): unknown[][] {
  const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
  onTestFinished(() => logged.mockRestore());
  return logged.mock.calls;
}

function app(given: HttpAppOptions = { token }, drain: Partial<Drain> = {}) {
  const { drain: fake, runs } = recordedDrain(report, drain);
  const hono = createHttpApp(fake, given);
  const send = (method: string, path: string, body?: string, authorization = `Bearer ${token}`) =>
    hono.request(path, {
      method,
      headers: {
        ...(authorization && { authorization }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body }),
    });
  return { hono, runs, send };
}

describe("a drain over HTTP", () => {
  it("runs on POST /drain with the token, and answers with the report", async () => {
    const { runs, send } = app();
    const response = await send("POST", "/drain");
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual(report);
    expect(runs).toEqual([{ budgetMs: 25_000 }]);
  });

  it("takes a budget and a number of messages", async () => {
    const { runs, send } = app();
    await send("POST", "/drain", '{"budgetMs":500,"maxMessages":7}');
    expect(runs).toEqual([{ budgetMs: 500, maxMessages: 7 }]);
  });

  it.each([
    ["text", "run!"],
    ["an array", "[]"],
    ["null", "null"],
    ["an unknown field", '{"budget":5}'],
    ["a budget of nothing", '{"budgetMs":0}'],
    ["a budget that is text", '{"budgetMs":"5"}'],
    ["a budget over the configured one", '{"budgetMs":25001}'],
    ["half a message", '{"maxMessages":0.5}'],
  ])("answers 400 and runs nothing when the body is %s", async (_, body) => {
    const { runs, send } = app();
    const response = await send("POST", "/drain", body);
    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({ status: 400 });
    expect(runs).toEqual([]);
  });

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "",
    "application/jsonp",
  ])("answers 415 and runs nothing when the body is called %j", async (type) => {
    const { hono, runs } = app();
    const headers = { authorization: `Bearer ${token}`, "content-type": type };
    const response = await hono.request("/drain", { method: "POST", headers, body: "{}" });
    expect(await problemOf(response)).toMatchObject({ status: 415 });
    expect(runs).toEqual([]);
  });

  it("answers 202 as soon as it runs where that is preferred, and the platform lets it go on", async () => {
    const { hono, runs } = app();
    const held: Promise<unknown>[] = [];
    const context = { waitUntil: (promise: Promise<unknown>) => void held.push(promise) };
    const request = () =>
      new Request("https://drain.example/drain", {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, prefer: "wait=1, respond-async" },
      });
    const response = await hono.fetch(request(), undefined, context as never);
    expect([response.status, await response.json()]).toEqual([202, { status: "started" }]);
    expect(response.headers.get("preference-applied")).toBe("respond-async");
    await Promise.all(held);
    expect(runs).toMatchObject([{ budgetMs: 25_000, chain: { hop: 0 } }]);
    expect((await hono.fetch(request())).status).toBe(200);
  });

  it("answers 413 and runs nothing when the body is large", async () => {
    const { runs, send } = app();
    expect((await send("POST", "/drain", `{"budgetMs":${" ".repeat(5_000)}5}`)).status).toBe(413);
    expect(runs).toEqual([]);
  });

  it("answers 413 to a body that says so itself without touching it, for what its host does with the rest", async () => {
    const { hono, runs } = app();
    const headers = { authorization: `Bearer ${token}`, "content-length": "5000" };
    const large = new Request("http://x/drain", { method: "POST", headers, body: " ".repeat(5_000) });
    expect((await hono.fetch(large)).status).toBe(413);
    expect([large.bodyUsed, runs]).toEqual([false, []]);
  });

  it.each(["", "Bearer wrong", "Bearer ", `Basic ${token}`, token, `Bearer ${token}x`])(
    "answers 401 and runs nothing for the authorization %j",
    async (authorization) => {
      const { runs, send } = app();
      expect((await send("POST", "/drain", undefined, authorization)).status).toBe(401);
      expect((await send("GET", "/stats", undefined, authorization)).status).toBe(401);
      expect(runs).toEqual([]);
    },
  );

  it("is closed when no token is configured, also to those who guess that it is undefined", async () => {
    const { runs, send } = app({});
    for (const authorization of ["", "Bearer undefined", "Bearer null"]) {
      expect((await send("POST", "/drain", undefined, authorization)).status).toBe(403);
    }
    expect((await send("GET", "/stats", undefined, "")).status).toBe(403);
    expect(runs).toEqual([]);
  });

  it("opens with one token all that it was given for, also by two options", async () => {
    const { send } = app({ token, wakeToken: token, tokens: [{ token, scopes: ["push"] }] });
    expect((await send("GET", "/stats")).status).toBe(200);
    expect((await send("POST", "/drain")).status).toBe(200);
  });

  it("refuses an empty token at construction", () => {
    for (const bad of [
      { token: "" },
      { token: "t\n" },
      { budgetMs: Number.NaN },
      { signal: {} as AbortSignal },
    ]) {
      expect(() => app(bad)).toThrow(OptionError);
    }
  });

  it("says on GET /health that it is up, without token and without Redis", async () => {
    const { send } = app({}, { stats: () => Promise.reject(new Error("no Redis")) });
    const response = await send("GET", "/health", undefined, "");
    expect([response.status, await response.json()]).toEqual([200, { status: "ok" }]);
  });

  it("tells on GET /stats where the messages are", async () => {
    expect(await (await app().send("GET", "/stats")).json()).toMatchObject({
      list: "mail",
      stats: { list: 1 },
    });
  });

  it.each<[string, Error, RegExp]>([
    ["Redis", new RedisTransportError("password", { isRetryable: true }), /^Redis did not serve/],
    ["Redis, by a refusal", new RedisReplyError("ERR password"), /^Redis did not serve/],
    ["a closed drain", new ClosedError("The drain"), /^The request could not be served/],
    ["anything else", new Error("redis://user:password@host"), /^The request could not be served/],
  ])("answers 503 without details where %s fails, and logs the cause", async (_, error, said) => {
    const logged = errorLog();
    const failing = app({ token }, { stats: () => Promise.reject(error) });
    const response = await failing.send("GET", "/stats");
    const text = await response.text();
    expect([response.status, response.headers.get("cache-control")]).toEqual([503, "no-store"]);
    expect(JSON.parse(text).detail).toMatch(said);
    expect(text).not.toContain("password");
    expect(logged).toEqual([["Spillway: a request could not be served.", error]]);
  });

  it("answers 502 with the report when the drain ended in an error, without stack or cause", async () => {
    const error = new RedisTransportError("No reply within 10 ms.", { isRetryable: true, cause: "hidden" });
    const { send } = app({ token }, { run: async () => ({ ...report, stopped: "error", error }) });
    const response = await send("POST", "/drain");
    expect(await problemOf(response)).toMatchObject({
      status: 502,
      stopped: "error",
      error: { name: "RedisTransportError", message: "No reply within 10 ms." },
    });
  });

  it("answers 405 for other methods and 404 elsewhere, in JSON", async () => {
    const { send } = app();
    for (const [method, path, status, allow] of [
      ["GET", "/drain", 405, "POST"],
      ["POST", "/health", 405, "GET"],
      ["GET", "/", 404, null],
    ] as const) {
      const response = await send(method, path);
      expect(response.status).toBe(status);
      expect(await problemOf(response)).toMatchObject({ status });
      expect(response.headers.get("allow")).toBe(allow);
    }
  });
});

describe("a request's body", () => {
  const url = "https://drain.example/drain";
  const wishes = '{"maxMessages":7}';
  const post = (body?: BodyInit, headers: Record<string, string> = {}): Request =>
    new Request(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body, duplex: "half" }),
    } as RequestInit);
  const refuse = (): never => {
    throw new TypeError("Cannot read private member from an object whose class did not declare it");
  };
  /** As frameworks hand requests on: what is named is read by another, all else as ever. */
  const proxied = (request: Request, traps: Record<string, () => unknown>): Request =>
    new Proxy(request, {
      get: (target, name) => {
        const trap = traps[String(name)];
        if (trap) return trap();
        const value = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  const read = async (): Promise<Request> => {
    const request = post(wishes);
    await request.text();
    return request;
  };
  const locked = (): Request => {
    const request = post(wishes);
    request.body?.getReader();
    return request;
  };
  const streamOf = (start: (controller: ReadableStreamDefaultController) => void): Request => {
    const plain = post();
    return proxied(plain, { body: () => new ReadableStream({ start }), bodyUsed: () => false });
  };
  const all = { budgetMs: 25_000 };

  it.each<[string, () => Request, RunOptions]>([
    ["is null", () => post(), all],
    ["is empty", () => post(""), all],
    ["is a stream without an end mark of its own", () => post(new Blob([]).stream()), all],
    ["is undefined", () => proxied(post(), { body: () => undefined }), all],
    [
      "can be read from a copy only",
      () => proxied(post(wishes), { body: refuse }),
      { ...all, maxMessages: 7 },
    ],
    [
      "says nothing of having been read",
      () => proxied(post(wishes), { bodyUsed: refuse }),
      { ...all, maxMessages: 7 },
    ],
    [
      "is known to be empty and cannot be read",
      () => proxied(post("", { "content-length": "0" }), { body: refuse, clone: refuse }),
      all,
    ],
    [
      "is a stream of texts",
      () =>
        streamOf((controller) => {
          controller.enqueue(wishes);
          controller.close();
        }),
      { ...all, maxMessages: 7 },
    ],
  ])("that %s is no reason to refuse a drain", async (_, make, wanted) => {
    const runs: unknown[] = [];
    const drain = {
      list: "mail",
      run: async (options: unknown) => {
        runs.push(options);
        return report;
      },
    };
    for (const receiveHop of [undefined, async () => null]) {
      const hono = createHttpApp(drain as unknown as Drain, { token, receiveHop });
      expect((await hono.fetch(make())).status).toBe(200);
    }
    expect(runs).toEqual([wanted, wanted]);
  });

  it.each<[string, () => Request | Promise<Request>]>([
    ["was read before", read],
    ["is locked", locked],
    ["has a getter that throws", () => proxied(post(wishes), { body: refuse, clone: refuse })],
    ["is no stream", () => proxied(post(), { body: () => ({}), clone: refuse })],
    ["fails while it is read", () => streamOf((controller) => controller.error(new Error("reset")))],
  ])("that %s is answered with a sentence that says so, and the log has the cause", async (_, make) => {
    const logged = errorLog();
    const run = vi.fn();
    const hono = createHttpApp({ list: "mail", run } as unknown as Drain, { token });
    const response = await hono.fetch(await make());
    expect(await problemOf(response)).toMatchObject({
      status: 500,
      detail: expect.stringMatching(/^The request's body cannot be read/),
    });
    expect(logged).toEqual([
      ["Spillway: a request could not be served.", expect.objectContaining({ cause: expect.any(Error) })],
    ]);
    expect(run).not.toHaveBeenCalled();
  });

  it("that was read before a receiver of hops could read it is no trouble of the receiver", async () => {
    const logged = errorLog();
    const receiveHop = vi.fn();
    const hono = createHttpApp({ list: "mail", run: vi.fn() } as unknown as Drain, { receiveHop });
    expect((await hono.fetch(await read())).status).toBe(500);
    expect(receiveHop).not.toHaveBeenCalled();
    expect(String(logged[0]?.[1])).toContain("cannot be read");
  });
});
