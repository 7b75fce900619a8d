import { describe, expect, it } from "vitest";
import { createHttpApp, type HttpAppOptions } from "../../adapters/http/app.ts";
import {
  type Drain,
  type DrainReport,
  OptionError,
  RedisTransportError,
  type RunOptions,
} from "../../src/index.ts";

const token = "a-token";
const report: DrainReport = {
  claimed: 3,
  acked: 3,
  retried: 0,
  deadLettered: 0,
  released: 0,
  lostLease: 0,
  unsettled: 0,
  finished: 0,
  recovered: 0,
  remaining: 0,
  nextDueAt: null,
  stopped: "empty",
  continuedWith: null,
  declined: null,
  requests: 3,
  commands: 14,
  elapsedMs: 5,
  failures: [],
  error: null,
};

function app(given: HttpAppOptions = { token }, drain: Partial<Drain> = {}) {
  const runs: (RunOptions | undefined)[] = [];
  const fake: Drain = {
    list: "mail",
    run: async (options) => {
      runs.push(options);
      return report;
    },
    recover: async () => ({ recovered: 0, adopted: 0 }),
    stats: async () => ({ list: 1, working: 0, leases: 0, delayed: 0, dead: 0, nextDueAt: null, paused: false }),
    push: async () => ({ pushed: 1, duplicates: [], length: 1 }),
    pause: async () => undefined,
    resume: async () => undefined,
    limits: { get: async () => null, set: async () => undefined },
    close: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
    deadLetters: {
      count: async () => 0,
      list: async () => [],
      redrive: async () => ({ redriven: 0 }),
      purge: async () => ({ purged: 0 }),
    },
    ...drain,
  };
  const hono = createHttpApp(fake, given);
  const send = (method: string, path: string, body?: string, authorization = `Bearer ${token}`) =>
    hono.request(path, {
      method,
      headers: authorization ? { authorization } : {},
      ...(body === undefined ? {} : { body }),
    });
  return { runs, send };
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
    expect(await response.json()).toEqual({ error: expect.any(String) });
    expect(runs).toEqual([]);
  });

  it("answers 413 and runs nothing when the body is large", async () => {
    const { runs, send } = app();
    expect((await send("POST", "/drain", `{"budgetMs":${" ".repeat(5_000)}5}`)).status).toBe(413);
    expect(runs).toEqual([]);
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

  it("tells on GET /stats where the messages are, and 503 without details when Redis fails", async () => {
    expect(await (await app().send("GET", "/stats")).json()).toMatchObject({
      list: "mail",
      stats: { list: 1 },
    });
    const failing = app({ token }, { stats: () => Promise.reject(new Error("redis://user:password@host")) });
    const response = await failing.send("GET", "/stats");
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain("password");
  });

  it("answers 502 with the report when the drain ended in an error, without stack or cause", async () => {
    const error = new RedisTransportError("No reply within 10 ms.", { isRetryable: true, cause: "hidden" });
    const { send } = app({ token }, { run: async () => ({ ...report, stopped: "error", error }) });
    const response = await send("POST", "/drain");
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({
      stopped: "error",
      error: { name: "RedisTransportError", message: "No reply within 10 ms." },
    });
  });

  it("answers 405 for other methods and 404 elsewhere, in JSON", async () => {
    const { send } = app();
    for (const [method, path, status] of [
      ["GET", "/drain", 405],
      ["POST", "/health", 405],
      ["GET", "/", 404],
    ] as const) {
      const response = await send(method, path);
      expect(response.status).toBe(status);
      expect(await response.json()).toEqual({ error: expect.any(String) });
    }
  });
});
