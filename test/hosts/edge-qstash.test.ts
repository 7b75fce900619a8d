import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type QstashContinuationOptions,
  qstashContinuation,
  qstashReceiver,
} from "../../adapters/continue/qstash/index.ts";
import { fetchHandler } from "../../adapters/hosts/fetch/index.ts";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import type { RestServer } from "../../adapters/local/rest-server.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import {
  type ChainPosition,
  createDrain,
  type Drain,
  type DrainReport,
  type Hop,
  OptionError,
  retry,
  writeHop,
} from "../../src/index.ts";
import { invokeBy, nextDrain } from "../support/continuation.ts";
import { type FetchHost, startFetchHost } from "../support/fetch-host.ts";
import { HandledCounts, ofFewRequests, pushNumbered } from "../support/handled-counts.ts";
import { deliverySignature, QstashServer, type QstashServerOptions } from "../support/qstash-server.ts";
import { startRest, startTestRedis, testToken } from "../support/redis.ts";
import { SideDoor } from "../support/side-door.ts";

const list = "mail";
const token = "a-qstash-token";
const keys = { currentSigningKey: "sig_current", nextSigningKey: "sig_next" };

let services: QstashServer[] = [];
async function startService(options: Partial<QstashServerOptions> = {}) {
  const service = new QstashServer({ token, signingKey: keys.currentSigningKey, ...options });
  services.push(service);
  return { service, baseUrl: await service.start() };
}
beforeEach(() => {
  for (const method of ["warn", "error"] as const)
    vi.spyOn(console, method).mockImplementation(() => undefined);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(services.map((service) => service.close()));
  services = [];
});

describe("a chain by QStash, over real HTTP", () => {
  let redis: RedisServer;
  let rest: RestServer;
  let door: SideDoor;
  let host: FetchHost;
  let drain: Drain;
  let handled: HandledCounts;
  let reports: { report: DrainReport; chain: ChainPosition }[];

  beforeAll(async () => {
    redis = await startTestRedis();
    rest = await startRest(redis);
    door = new SideDoor(redis.url);
  });
  afterAll(async () => {
    door.close();
    await rest.close();
    await redis.stop();
  });
  beforeEach(async () => {
    await door.redis.flushall();
    handled = new HandledCounts();
    reports = [];
  });
  afterEach(() => host.close());

  /** A host whose drain goes on by the service; `isBackground` answers a delivery before its drain has ended. */
  async function startHost(baseUrl: string, isBackground = true): Promise<void> {
    let origin = "";
    const handle = fetchHandler(() => drain, {
      cronSecret: "a-cron-secret",
      receiveHop: qstashReceiver({ ...keys, clockSkewMs: 0 }),
      onReport: (report, chain) => reports.push({ report, chain }),
    });
    host = await startFetchHost((request, context) => handle(request, isBackground ? context : {}));
    origin = host.url;
    drain = ofFewRequests(
      createDrain({
        redis: upstash({ url: rest.url, token: testToken }),
        list,
        batchSize: 100,
        handler: (message) => {
          if (message.payload === "later" && message.attempt === 1) return retry({ afterMs: 3_600_000 });
          handled.note(message.payload);
          return undefined;
        },
        continuation: qstashContinuation({ url: `${origin}/drain`, token, baseUrl }),
      }),
      12,
    );
  }
  const tick = (): Promise<Response> =>
    fetch(`${host.url}/cron`, { headers: { authorization: "Bearer a-cron-secret" } });
  const idle = async (service: QstashServer): Promise<void> => {
    for (let count = -1; count !== service.delivered.length; ) {
      count = service.delivered.length;
      await service.idle();
      await host.idle();
    }
  };

  it.each([
    ["answered before its drain has ended", true],
    ["answered with its report", false],
  ])(
    "drains 5,000 messages over more than ten hops, once each; a delivery is %s",
    async (_title, isBackground) => {
      const { service, baseUrl } = await startService();
      await startHost(baseUrl, isBackground);
      await pushNumbered(door, list, 5_000);
      expect(await (await tick()).json()).toMatchObject({ continuedWith: "qstash" });
      await idle(service);

      await handled.expectOnceEach(5_000, door);
      expect(reports.length).toBeGreaterThan(10);
      expect(new Set(reports.map(({ chain }) => chain.hop)).size).toBe(reports.length);
      expect(new Set(reports.map(({ chain }) => chain.id)).size).toBe(1);
      expect(new Set(service.delivered)).toEqual(new Set([isBackground ? 202 : 200]));
    },
  );

  it("goes on where QStash delivers each message twice, and multiplies no further", async () => {
    const { service, baseUrl } = await startService({ deliveries: 2 });
    await startHost(baseUrl);
    await pushNumbered(door, list, 3_000);
    await tick();
    await idle(service);

    await handled.expectOnceEach(3_000, door);
    // Only a drain that has worked names a successor; a double that finds it at work ends there.
    const worked = reports.filter(({ report }) => report.acked > 0);
    expect(worked.length).toBeGreaterThan(5);
    expect(service.published.length).toBeLessThan(worked.length);
    expect(service.delivered).toHaveLength(2 * service.published.length);
  });

  it("sets one timer for the next delayed message, which all who wait for it share, and wakes for it", async () => {
    const { service, baseUrl } = await startService();
    await startHost(baseUrl);
    await door.redis.lpush(list, "later");
    const before = Date.now();
    expect(await (await tick()).json()).toMatchObject({ retried: 1, continuedWith: "qstash" });
    expect(await (await tick()).json()).toMatchObject({ claimed: 0, continuedWith: "qstash" });
    expect(service.published).toHaveLength(2);
    expect(service.delivered).toEqual([]);

    await door.makeDue(list);
    const [due = 0, ...others] = service.fireTimers();
    expect(due * 1_000).toBeGreaterThanOrEqual(before + 3_600_000);
    expect(others.length).toBeLessThanOrEqual(1);
    await idle(service);
    await handled.expectOnceEach(1, door);
    expect(reports.at(-1)).toMatchObject({ chain: { id: `timer-${due}`, hop: 1 } });
  });

  it.each<[string, (url: string, body: string) => Record<string, string>]>([
    ["signed with another key", (destination, body) => signature({ destination, body, key: "sig_other" })],
    ["altered", (destination, body) => signature({ destination, body: `${body} `, key: "sig_current" })],
    ["expired", (destination, body) => signature({ destination, body, key: "sig_current", nowMs: 1e12 })],
    [
      "by another issuer",
      (destination, body) => signature({ destination, body, key: "sig_current", issuer: "I" }),
    ],
    ["with no token at all", () => ({ "upstash-signature": "a.b.c" })],
  ])("answers a delivery that is %s with 401, without a command to Redis", async (_title, sign) => {
    const { baseUrl } = await startService();
    await startHost(baseUrl);
    await pushNumbered(door, list, 10);
    await door.resetCommandCount();
    const url = `${host.url}/drain`;
    const body = JSON.stringify(writeHop({ list, chain: { id: "c", hop: 1 } }));
    const answer = await fetch(url, { method: "POST", headers: sign(url, body), body });
    await host.idle();
    expect(answer.status).toBe(401);
    expect(await door.commandCount()).toBe(0);
    expect(reports).toEqual([]);
  });
});

function signature(of: Parameters<typeof deliverySignature>[0]): Record<string, string> {
  return { "upstash-signature": deliverySignature(of) };
}

describe("the continuation by QStash", () => {
  const url = "https://drain.example/drain";
  const hopTo = (hop: number): Hop => ({ list, chain: { id: "c", hop } });
  const next = (hop: number) => nextDrain(hopTo(hop));

  it("publishes list, chain and hop to the drain's own URL, with an id, and with few retries", async () => {
    const { service, baseUrl } = await startService({ deliveries: 0 });
    expect(await invokeBy(qstashContinuation({ url, token, baseUrl }), hopTo(3))).toBe(null);
    const [{ destination, headers, body } = { destination: "", headers: {}, body: "" }] = service.published;
    expect(destination).toBe(url);
    expect(JSON.parse(body)).toEqual({ list, chainId: "c", hop: 3 });
    expect(headers).toMatchObject({
      "upstash-method": "POST",
      "upstash-retries": "1",
      "upstash-deduplication-id": expect.stringMatching(/^[0-9a-f-]{36}$/),
      "content-type": "application/json",
    });
  });

  it("publishes again after a lost reply, a failure, too many calls, always with the same id", async () => {
    const { service, baseUrl } = await startService({ deliveries: 0, answers: ["lost", 500, 429] });
    expect(await invokeBy(qstashContinuation({ url, token, baseUrl }), hopTo(1))).toBe(null);
    const ids = service.published.map(({ headers }) => headers["upstash-deduplication-id"]);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  it("does not publish again what QStash refuses, and gives up where the time given ends", async () => {
    const { baseUrl } = await startService({ answers: [401, ...Array.from({ length: 50 }, () => 500)] });
    const continuation = qstashContinuation({ url, token, baseUrl });
    await expect(invokeBy(continuation, hopTo(1))).rejects.toMatchObject({ code: "continuation-failed" });
    await expect(invokeBy(continuation, hopTo(1), 500)).rejects.toMatchObject({
      code: "continuation-refused",
    });
  });

  it.each([301, 302, 307, 308])(
    "follows no redirect (%i): the token and the hop stay here",
    async (status) => {
      const elsewhere = await startService();
      const { service, baseUrl } = await startService({ answers: [status], redirectTo: elsewhere.baseUrl });
      await expect(invokeBy(qstashContinuation({ url, token, baseUrl }), hopTo(1))).rejects.toMatchObject({
        code: "continuation-failed",
        message: expect.stringContaining(String(status)),
      });
      expect([service.published, elsewhere.service.published, elsewhere.service.requestCount]).toEqual([
        [],
        [],
        0,
      ]);
    },
  );

  it("shares a timer among the drains of one list at one destination, and of no other", async () => {
    const { service, baseUrl } = await startService();
    vi.useFakeTimers({ now: 1_800_000_000_000, toFake: ["Date"] });
    try {
      for (const [list, path, hop] of [
        ["a", "", 1],
        ["a", "", 2],
        ["b", "", 1],
        ["a", "2", 1],
      ] as const) {
        const continuation = qstashContinuation({ url: `${url}${path}`, token, baseUrl });
        await continuation.invokeLater?.({ ...next(hop), list, inMs: 10_000 });
      }
    } finally {
      vi.useRealTimers();
    }
    const ids = service.published.map(({ headers }) => headers["upstash-deduplication-id"]);
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(3);
    expect(service.timerCount).toBe(3);
  });

  it("sets another timer for a drain that its own timer woke too soon", async () => {
    const { service, baseUrl } = await startService();
    const continuation = qstashContinuation({ url, token, baseUrl });
    vi.useFakeTimers({ now: 1_800_000_000_400, toFake: ["Date"] });
    try {
      await continuation.invokeLater?.({ ...next(1), inMs: 600 });
      await continuation.invokeLater?.({ ...next(1), chain: { id: "timer-1800000001", hop: 2 }, inMs: 600 });
      await continuation.invokeLater?.({ ...next(1), inMs: 1e12 });
    } finally {
      vi.useRealTimers();
    }
    expect(service.published.map(({ headers }) => Number(headers["upstash-not-before"]))).toEqual([
      1_800_000_001,
      1_800_000_002,
      1_800_000_001 + 7 * 86_400,
    ]);
    expect(JSON.parse(service.published[1]?.body ?? "")).toEqual({
      list,
      chainId: "timer-1800000002",
      hop: 1,
    });
  });

  it("sets a later timer than the one delivered where this clock is far behind: QStash drops the same one", async () => {
    const { service, baseUrl } = await startService();
    const continuation = qstashContinuation({ url, token, baseUrl });
    vi.useFakeTimers({ now: 1_800_000_000_400, toFake: ["Date"] });
    try {
      for (const woken of [1_800_000_004, 1_800_000_005]) {
        await continuation.invokeLater?.({ ...next(1), chain: { id: `timer-${woken}`, hop: 2 }, inMs: 600 });
      }
    } finally {
      vi.useRealTimers();
    }
    expect(service.published.map(({ headers }) => Number(headers["upstash-not-before"]))).toEqual([
      1_800_000_005, 1_800_000_006,
    ]);
  });

  it("declines where the chain is as long as it may be", async () => {
    const { service, baseUrl } = await startService({ deliveries: 0 });
    const continuation = qstashContinuation({ url, token, baseUrl, maxHops: 2 });
    expect(await invokeBy(continuation, hopTo(2))).toBe(null);
    expect(await invokeBy(continuation, hopTo(3))).toEqual({ declined: expect.stringContaining("2 hops") });
    expect(service.published).toHaveLength(1);
  });

  it.each<[string, Partial<QstashContinuationOptions>]>([
    ["no URL", { url: "drain" }],
    ["no token", { token: "" }],
    ["a base that is no URL", { baseUrl: "qstash.upstash.io" }],
    ["retries that are no count", { retries: 1.5 }],
    ["a chain of less than nothing", { maxHops: -1 }],
  ])("is not made with %s", (_title, options) => {
    expect(() => qstashContinuation({ url, token, ...options })).toThrow(OptionError);
  });
});

describe("QStash's signature", () => {
  const destination = "https://drain.example/drain";
  const hop: Hop = { list, chain: { id: "c", hop: 1 } };
  const text = JSON.stringify(writeHop(hop));
  const delivery = (key: string, body = text) =>
    new Request(destination, {
      method: "POST",
      body,
      headers: signature({ destination, body, key }),
    });
  const unproven = { name: "ContinuationError", code: "hop-unproven" };

  it("counts with the current and with the next key, and with no other", async () => {
    const receive = qstashReceiver(keys);
    expect(await receive(delivery("sig_current"))).toEqual(hop);
    expect(await receive(delivery("sig_next"))).toEqual(hop);
    await expect(receive(delivery("sig_last"))).rejects.toMatchObject(unproven);
  });

  it("counts for the URL it was made for only, where that is given", async () => {
    const receive = (url: string) => qstashReceiver({ ...keys, url })(delivery("sig_current"));
    expect(await receive(destination)).toEqual(hop);
    await expect(receive(`${destination}/x`)).rejects.toMatchObject(unproven);
  });

  it("counts for no body of more than 64 KB; an unsigned call claims to be no hop", async () => {
    const receive = qstashReceiver(keys);
    expect(await receive(new Request(destination, { method: "POST", body: text }))).toBe(null);
    await expect(receive(delivery("sig_current", "x".repeat(65_537)))).rejects.toMatchObject(unproven);
  });

  it("is not verified without keys, or with a clock skew that is no time", () => {
    expect(() => qstashReceiver({ ...keys, nextSigningKey: "" })).toThrow(OptionError);
    expect(() => qstashReceiver({ ...keys, currentSigningKey: undefined as never })).toThrow(OptionError);
    expect(() => qstashReceiver({ ...keys, clockSkewMs: Number.NaN })).toThrow(OptionError);
  });
});
