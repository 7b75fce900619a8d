import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  alarmContinuation,
  type CloudflareHandler,
  cloudflareHandler,
} from "../../adapters/hosts/cloudflare/index.ts";
import { memory } from "../../adapters/local/memory.ts";
import {
  type DrainReport,
  idempotent,
  OptionError,
  type RedisClient,
  RedisTransportError,
} from "../../src/index.ts";
import { invokeBy } from "../support/continuation.ts";

/** A Durable Object's storage with its one alarm; what is written is counted, since it is billed. */
class Storage {
  readonly kept = new Map<string, unknown>();
  alarmAt: number | null = null;
  alarmsSet = 0;

  async get<Value>(key: string): Promise<Value | undefined> {
    return this.kept.get(key) as Value | undefined;
  }
  async put(key: string, value: unknown): Promise<void> {
    this.kept.set(key, structuredClone(value));
  }
  async delete(key: string): Promise<boolean> {
    return this.kept.delete(key);
  }
  async getAlarm(): Promise<number | null> {
    return this.alarmAt;
  }
  async setAlarm(at: number): Promise<void> {
    this.alarmsSet += 1;
    this.alarmAt = at;
  }
}

interface Env {
  readonly redis: RedisClient;
}

const startAt = 1_800_000_000_000;

describe("the Durable Object of a list", () => {
  let storage: Storage;
  let reports: DrainReport[];
  let redis: RedisClient;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"], now: startAt });
    storage = new Storage();
    reports = [];
    redis = memory();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  const made = (drain: object = {}): CloudflareHandler<Env> =>
    cloudflareHandler(
      (env: Env) => ({ redis: env.redis, list: "mail", handler: () => undefined, ...drain }),
      { onReport: (report) => reports.push(report) },
    );
  const object = (drain?: object) => new (made(drain).DrainChain)({ storage }, { redis });
  const ask = (it: { fetch(request: Request): Promise<Response> }, body: object) =>
    it.fetch(new Request("https://drain-chain/", { method: "POST", body: JSON.stringify(body) }));
  const hop = (inMs: number, at = 1) => ({ ask: "hop", hop: { list: "mail", chainId: "c", hop: at }, inMs });
  /** Fires the alarm as the platform does: at its time, and gone from storage before the handler runs. */
  const fire = async (it: { alarm(): Promise<void> }): Promise<void> => {
    vi.setSystemTime(storage.alarmAt ?? startAt);
    storage.alarmAt = null;
    await it.alarm();
  };

  it("begins once more where it was asked while its drain ran, which may have seen the list for the last time", async () => {
    let asked: Promise<unknown> = Promise.resolve();
    const chain: InstanceType<CloudflareHandler<Env>["DrainChain"]> = object({
      handler: () => {
        asked = ask(chain, { ask: "begin" });
      },
    });
    await redis.command(["LPUSH", "mail", "a"]);
    await ask(chain, { ask: "begin" });
    await fire(chain);
    await asked;
    expect(storage.alarmAt).not.toBeNull();
    await fire(chain);
    expect(storage.alarmAt).toBeNull();
    expect(reports).toMatchObject([{ acked: 1 }, { stopped: "empty", commands: 1 }]);
  });

  it("begins once more at once, and not when its timer fires, where it was asked while its drain ran", async () => {
    let asked: Promise<unknown> = Promise.resolve();
    const chain: InstanceType<CloudflareHandler<Env>["DrainChain"]> = object({
      retryDelay: () => 60_000,
      handler: () => {
        asked = ask(chain, { ask: "begin" });
        throw new Error("not now");
      },
    });
    await redis.command(["LPUSH", "mail", "a"]);
    await ask(chain, { ask: "begin" });
    await fire(chain);
    await asked;
    expect(reports).toMatchObject([{ stopped: "empty", retried: 1, continuedWith: "alarm" }]);
    expect(storage.alarmAt).toBe(startAt + 2);
    await fire(chain);
    expect(storage.alarmAt).toBeGreaterThan(startAt + 50_000);
  });

  it("looks again in a year for what is due at the end of time, since no alarm may be that far", async () => {
    await redis.command(["ZADD", "{mail}:delayed", 8.64e15, "far"]);
    const chain = object();
    await ask(chain, { ask: "begin" });
    await fire(chain);
    expect(storage.alarmAt).toBe(Date.now() + 31_536_000_000);
  });

  it("moves its alarm sooner, never later, and writes nothing for a moment's difference", async () => {
    const chain = object();
    await ask(chain, hop(60_000));
    expect(storage.alarmAt).toBe(startAt + 60_000);
    await ask(chain, hop(90_000));
    await ask(chain, hop(59_950));
    expect([storage.alarmAt, storage.alarmsSet]).toEqual([startAt + 60_000, 1]);
    await ask(chain, hop(5_000));
    expect(storage.alarmAt).toBe(startAt + 5_000);
    await ask(chain, hop(0));
    expect(storage.alarmAt).toBe(startAt + 1);
  });

  it("answers 400 to what it does not understand, and arms nothing", async () => {
    const chain = object();
    for (const asked of [
      {},
      { ask: "stop" },
      { ...hop(0), inMs: -1 },
      { ...hop(0), inMs: null },
      { ...hop(0), inMs: 1e300 },
    ]) {
      expect((await ask(chain, asked)).status).toBe(400);
    }
    expect(
      (await chain.fetch(new Request("https://drain-chain/", { method: "POST", body: "{" }))).status,
    ).toBe(400);
    expect([storage.alarmAt, storage.kept.size]).toEqual([null, 0]);
  });

  it("begins at a tick unless it is about to anyway", async () => {
    const chain = object();
    await ask(chain, { ask: "begin" });
    await ask(chain, { ask: "begin" });
    expect([storage.alarmAt, storage.alarmsSet]).toEqual([startAt + 1, 1]);
    storage.alarmAt = startAt + 600_000;
    await ask(chain, { ask: "begin" });
    expect(storage.alarmAt).toBe(startAt + 1);
  });

  it("keeps nothing once there is nothing to do, and an alarm that fires again is harmless", async () => {
    const chain = object();
    await ask(chain, hop(0, 7));
    await fire(chain);
    await fire(chain);
    expect(reports.map(({ stopped, commands }) => [stopped, commands])).toEqual([
      ["empty", 1],
      ["empty", 1],
    ]);
    expect([storage.alarmAt, storage.kept.size]).toEqual([null, 0]);
  });

  it("tries again after 2, 4 … 64 s when Redis fails, and then leaves it to the ticks", async () => {
    const away = new RedisTransportError("Away.", { isRetryable: false });
    redis = {
      name: "away",
      command: () => Promise.reject(away),
      pipeline: () => Promise.reject(away),
    } as never;
    const chain = object();
    await ask(chain, { ask: "begin" });
    const waits = [];
    for (let fired = 0; storage.alarmAt !== null && fired < 20; fired++) {
      await fire(chain);
      if (storage.alarmAt !== null) waits.push(storage.alarmAt - Date.now());
    }
    expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 64_000]);
    expect(reports.map(({ stopped }) => stopped)).toEqual(Array(7).fill("error"));
    expect(storage.kept.size).toBe(0);
  });

  it("tries again when it finds the list's slots taken, and so takes over from a drain that was killed", async () => {
    await redis.command(["LPUSH", "mail", "waiting"]);
    await redis.command(["LPUSH", "{mail}:working:dead.1", "in hand"]);
    await redis.command(["ZADD", "{mail}:leases", startAt + 12_000, "dead.1"]);
    const chain = object();
    await ask(chain, { ask: "begin" });
    while (storage.alarmAt !== null) await fire(chain);
    expect(reports.map(({ stopped }) => stopped)).toEqual(["busy", "busy", "busy", "empty"]);
    expect(Date.now()).toBe(startAt + 1 + 2_000 + 4_000 + 8_000);
    expect(reports.at(-1)).toMatchObject({ recovered: 1, acked: 2 });
    expect(storage.kept.size).toBe(0);
  });

  it("leaves a list whose slots stay taken to the ticks", async () => {
    await redis.command(["LPUSH", "mail", "waiting"]);
    await redis.command(["LPUSH", "{mail}:working:other.1", "in hand"]);
    await redis.command(["ZADD", "{mail}:leases", startAt + 86_400_000, "other.1"]);
    const chain = object();
    await ask(chain, { ask: "begin" });
    while (storage.alarmAt !== null) await fire(chain);
    expect(reports.map(({ stopped }) => stopped)).toEqual(Array(7).fill("busy"));
    expect(storage.kept.size).toBe(0);
  });

  it("does not throw, and does not try again, where options cannot work: the platform would fire it six times", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const chain = object({ batchSize: -1 });
    await ask(chain, { ask: "begin" });
    await fire(chain);
    expect(storage.alarmAt).toBe(null);
    expect(logged).toHaveBeenCalledOnce();
    expect(logged.mock.calls[0]?.[1]).toBeInstanceOf(OptionError);
  });
});

const context = { waitUntil: () => undefined };
const hop = { list: "mail", chain: { id: "c", hop: 5 } };

describe("cloudflareHandler()", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each([
    ["plan", { plan: "business" }],
    ["requestsMax", { requestsMax: 3 }],
    ["requestsPerMessage", { requestsPerMessage: -1 }],
    ["requestsPerMessage", { requestsPerMessage: 38 }],
    ["requestsPerMessage", { plan: "paid", requestsPerMessage: 1_001 }],
    ["marginMs", { marginMs: 0.5 }],
    ["cpuMs", { cpuMs: 0 }],
    ["wallMs.alarm", { wallMs: { alarm: Number.NaN } }],
  ])("refuses a bad %s at once", (option, options) => {
    const make = () => cloudflareHandler(() => ({}) as never, options as never);
    expect(make).toThrow(expect.objectContaining({ option }));
    expect(make).toThrow(OptionError);
  });

  it.each([
    ["resolves", async () => ({ list: "mail" })],
    ["rejects", () => Promise.reject(new Error("no secret"))],
  ])("says that options must not be a promise, also one that %s", async (_, options) => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { fetch } = cloudflareHandler(options as never, { continuation: null, token: () => "t" });
    const headers = { authorization: "Bearer t" };
    await fetch(new Request("https://x/drain", { method: "POST", headers }), {}, context);
    expect(String(logged.mock.calls[0]?.[1])).toMatch(/a function that returns options and not a promise/);
  });

  it("says that a function for several lists has made no drain", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { fetch } = cloudflareHandler(() => () => undefined as never, {
      continuation: null,
      token: () => "t",
    });
    const headers = { authorization: "Bearer t" };
    await fetch(new Request("https://x/drain", { method: "POST", headers }), {}, context);
    expect(logged.mock.calls[0]?.[1]).toMatchObject({ name: "OptionError", option: "drain" });
  });

  it("refuses what is no function for its drain at once", () => {
    expect(() => cloudflareHandler({} as never)).toThrow(expect.objectContaining({ option: "drain" }));
  });

  it("says which binding is missing", async () => {
    const { scheduled } = cloudflareHandler(() => ({
      redis: memory(),
      list: "mail",
      handler: () => undefined,
    }));
    await expect(scheduled(null, {})).rejects.toThrow(/DRAIN_CHAIN/);
  });

  it("asks a Durable Object that cannot be reached again, since to ask it twice does no harm", async () => {
    const answers: (Error | number)[] = [new Error("Overloaded."), new Error("Overloaded."), 204, 500];
    const objects = {
      idFromName: () => null,
      get: () => ({
        fetch: async () => {
          const answer = answers.shift();
          if (typeof answer !== "number") throw answer;
          return { status: answer, text: async () => "" };
        },
      }),
    };
    const continuation = alarmContinuation(() => objects)({}, { trigger: "http", token: undefined });
    expect(await invokeBy(continuation, hop)).toBe(null);
    expect(answers).toEqual([500]);
    await expect(invokeBy(continuation, hop)).rejects.toMatchObject({ code: "continuation-failed" });
  });

  it("begins a chain of its own for a Queue's hop of another list", async () => {
    const told: unknown[] = [];
    const { queue } = cloudflareHandler(() => ({ redis: memory(), list: "mail", handler: () => undefined }), {
      continuation: null,
      onReport: (_report, { chain }) => told.push(chain),
    });
    const body = { spillway: { list: "other", chainId: "c", hop: 3 } };
    await queue({ messages: [{ body, ack: () => undefined, retry: () => undefined }] }, {});
    expect(told).toEqual([{ id: expect.not.stringMatching(/^c$/), hop: 0 }]);
  });

  it("drains in the tick itself where the Durable Object cannot be reached", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const handled: string[] = [];
    const redis = memory();
    await redis.command(["LPUSH", "mail", "m"]);
    const { scheduled } = cloudflareHandler(
      () => ({ redis, list: "mail", handler: ({ payload }) => void handled.push(payload) }),
      { onReport: () => undefined },
    );
    const unreachable = {
      idFromName: () => null,
      get: () => ({ fetch: () => Promise.reject(new Error("Overloaded.")) }),
    };
    await scheduled(null, { DRAIN_CHAIN: unreachable });
    expect(handled).toEqual(["m"]);
  });

  it("leaves Queue messages that are no hops to the Queue, and acknowledges hops after their one drain", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const told: string[] = [];
    const { queue } = cloudflareHandler(() => ({ redis: memory(), list: "mail", handler: () => undefined }), {
      continuation: null,
      onReport: (_report, { trigger, chain }) => told.push(`${trigger} ${chain.id} ${chain.hop}`),
    });
    const message = (name: string, body: unknown) => ({
      body,
      ack: () => told.push(`ack ${name}`),
      retry: () => told.push(`retry ${name}`),
    });
    const spillway = { list: "mail", chainId: "c", hop: 3 };
    await queue(
      {
        messages: [
          message("a", { spillway }),
          message("b", { order: 1 }),
          message("c", { spillway }),
          message("d", null),
        ],
      },
      {},
    );
    expect(told).toEqual(["retry b", "retry d", "queue c 3", "ack a", "ack c"]);
  });

  it("takes hops of another continuation over HTTP, without a token, and nothing else without one", async () => {
    const redis = memory();
    await redis.command(["LPUSH", "mail", "m"]);
    const told: string[] = [];
    const { fetch } = cloudflareHandler(() => ({ redis, list: "mail", handler: () => undefined }), {
      token: () => "secret",
      continuation: null,
      receiveHop: async (request) => ((await request.text()) === "signed" ? hop : null),
      onReport: ({ acked }, { chain }) => told.push(`${chain.id} ${chain.hop} ${acked}`),
    });
    const kept: Promise<unknown>[] = [];
    const context = { waitUntil: (promise: Promise<unknown>) => void kept.push(promise) };
    const call = (body: string) =>
      fetch(new Request("https://worker/drain", { method: "POST", body }), {}, context);

    expect((await call("forged")).status).toBe(401);
    expect(told).toEqual([]);
    expect((await call("signed")).status).toBe(202);
    await Promise.all(kept);
    expect(told).toEqual(["c 5 1"]);
  });

  it("answers 401 to what has not proved to be a hop also where no token is configured, and 403 where nothing opens", async () => {
    const drain = () => ({ redis: memory(), list: "mail", handler: () => undefined });
    const options = { token: () => undefined, continuation: null, onReport: () => undefined };
    const post = async (made: CloudflareHandler<object>): Promise<number> =>
      (await made.fetch(new Request("https://worker/drain", { method: "POST" }), {}, context)).status;
    expect(await post(cloudflareHandler(drain, { ...options, receiveHop: async () => null }))).toBe(401);
    expect(await post(cloudflareHandler(drain, options))).toBe(403);
  });

  it("is healthy, and closed to strangers, whatever is missing from env; who may drain is told, and so is the log", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { fetch } = cloudflareHandler(
      () => {
        throw new Error("A secret is missing.");
      },
      {
        token: () => "secret",
        receiveHop: async (request) => ((await request.text()) === "signed" ? hop : null),
      },
    );
    const call = async (path: string, init: RequestInit = {}): Promise<number> =>
      (await fetch(new Request(`https://worker${path}`, init), {}, context)).status;
    const authorization = { Authorization: "Bearer secret" };
    expect(await call("/health")).toBe(200);
    expect(await call("/drain", { method: "POST" })).toBe(401);
    expect(logged).not.toHaveBeenCalled();
    expect(await call("/drain", { method: "POST", headers: authorization })).toBe(503);
    expect(
      await call("/drain", { method: "POST", headers: { ...authorization, Prefer: "respond-async" } }),
    ).toBe(503);
    expect(await call("/stats", { headers: authorization })).toBe(503);
    expect(await call("/drain", { method: "POST", body: "signed" })).toBe(503);
    expect(logged).toHaveBeenCalledTimes(4);
  });

  it("affords a message also with the most that one may cost, its marker included, after it has received a hop", async () => {
    const redis = memory();
    await redis.command(["LPUSH", "mail", "m"]);
    const reports: DrainReport[] = [];
    const { fetch } = cloudflareHandler(
      () => ({ redis, list: "mail", handler: idempotent(() => undefined, { ttlMs: 60_000 }) }),
      {
        requestsPerMessage: 37,
        continuation: null,
        receiveHop: async () => hop,
        onReport: (report) => reports.push(report),
      },
    );
    const kept: Promise<unknown>[] = [];
    const waitUntil = (promise: Promise<unknown>): void => void kept.push(promise);
    await fetch(new Request("https://worker/drain", { method: "POST" }), {}, { waitUntil });
    await Promise.all(kept);
    expect(reports).toMatchObject([{ acked: 1, error: null }]);
  });

  it("logs a drain that could afford no message any more, or its list would wait unseen", async () => {
    const logged = vi.spyOn(console, "log").mockImplementation(() => undefined);
    const inner = memory();
    await inner.command(["LPUSH", "mail", "m"]);
    let lostCount = 0;
    const redis: RedisClient = {
      ...inner,
      command: async (...given) => {
        if (++lostCount <= 4) throw new RedisTransportError("Lost.", { isRetryable: true });
        return inner.command(...given);
      },
    };
    const drain = () => ({ redis, list: "mail", handler: () => undefined });
    await cloudflareHandler(drain, { continuation: null, requestsMax: 13 }).scheduled({}, {});
    expect(JSON.parse(logged.mock.calls[0]?.[0])).toMatchObject({
      spillway: { stopped: "budget", claimed: 0 },
    });
  });
});
