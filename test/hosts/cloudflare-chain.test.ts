import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type SpillwayWorker, worker } from "../../adapters/hosts/cloudflare/index.ts";
import { memory } from "../../adapters/local/memory.ts";
import { type DrainReport, OptionError, type RedisClient, RedisTransportError } from "../../src/index.ts";

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

  const made = (drain: object = {}): SpillwayWorker<Env> =>
    worker({
      drain: (env: Env) => ({ redis: env.redis, list: "mail", handler: () => undefined, ...drain }),
      onReport: (report) => reports.push(report),
    });
  const object = (drain?: object) => new (made(drain).DrainChain)({ storage }, { redis });
  const ask = (it: { fetch(request: Request): Promise<Response> }, body: object) =>
    it.fetch(new Request("https://drain-chain/", { method: "POST", body: JSON.stringify(body) }));
  const hop = (inMs: number, at = 1) => ({ ask: "hop", chain: { id: "c", hop: at }, inMs });
  /** Fires the alarm as the platform does: at its time, and gone from storage before the handler runs. */
  const fire = async (it: { alarm(): Promise<void> }): Promise<void> => {
    vi.setSystemTime(storage.alarmAt ?? startAt);
    storage.alarmAt = null;
    await it.alarm();
  };

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

describe("worker()", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each([
    ["drain", {}],
    ["plan", { drain: () => ({}), plan: "business" }],
    ["requestsMax", { drain: () => ({}), requestsMax: 3 }],
    ["requestsPerMessage", { drain: () => ({}), requestsPerMessage: -1 }],
    ["reserveMs", { drain: () => ({}), reserveMs: 0.5 }],
    ["cpuMs", { drain: () => ({}), cpuMs: 0 }],
    ["wallMs.alarm", { drain: () => ({}), wallMs: { alarm: Number.NaN } }],
  ])("refuses a bad %s at once", (option, options) => {
    expect(() => worker(options as never)).toThrow(expect.objectContaining({ option }));
    expect(() => worker(options as never)).toThrow(OptionError);
  });

  it("says which binding is missing", async () => {
    const { scheduled } = worker({
      drain: () => ({ redis: memory(), list: "mail", handler: () => undefined }),
    });
    await expect(scheduled(null, {})).rejects.toThrow(/DRAIN_CHAIN/);
  });

  it("drains in the tick itself where the Durable Object cannot be reached", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const handled: string[] = [];
    const redis = memory();
    await redis.command(["LPUSH", "mail", "m"]);
    const { scheduled } = worker({
      drain: () => ({ redis, list: "mail", handler: ({ payload }) => handled.push(payload) }),
      onReport: () => undefined,
    });
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
    const { queue } = worker({
      drain: () => ({ redis: memory(), list: "mail", handler: () => undefined }),
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
    const { fetch } = worker({
      drain: () => ({ redis, list: "mail", handler: () => undefined }),
      token: () => "secret",
      continuation: null,
      receiveHop: async (request) => ((await request.text()) === "signed" ? { id: "c", hop: 5 } : null),
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
});
