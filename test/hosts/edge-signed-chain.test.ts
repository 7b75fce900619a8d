import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  redisNonces,
  signedContinuation,
  signedReceiver,
  signRequest,
} from "../../adapters/continue/signed/index.ts";
import { fetchHandler } from "../../adapters/hosts/fetch/index.ts";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import type { RestServer } from "../../adapters/local/rest-server.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { createDrain, type DrainReport, writeHop } from "../../src/index.ts";
import { type FetchHost, startFetchHost } from "../support/fetch-host.ts";
import { HandledCounts, ofFewRequests, pushNumbered } from "../support/handled-counts.ts";
import { startRest, startTestRedis, testToken } from "../support/redis.ts";
import { SideDoor } from "../support/side-door.ts";

const key = "the-key-of-this-deployment-0123456789";
const oldKey = "the-key-that-is-on-its-way-out-0123456789";
const list = "mail";

describe("a chain of signed calls over real HTTP", () => {
  let redis: RedisServer;
  let rest: RestServer;
  let door: SideDoor;
  let hosts: FetchHost[];
  let handled: HandledCounts;
  let reports: { report: DrainReport; hop: number; host: number }[];
  /** Every request with a signature, as it came. */
  let heard: { url: string; headers: Headers; body: string; status: number }[];

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

  /** Two deployments of one drain: each host's hop goes to the other. */
  beforeEach(async () => {
    await door.redis.flushall();
    handled = new HandledCounts();
    reports = [];
    heard = [];
    hosts = [];
    for (const at of [0, 1]) {
      const client = upstash({ url: rest.url, token: testToken });
      const drain = createDrain({
        batchSize: 100,
        redis: client,
        list,
        handler: (message) => handled.note(message.payload),
        continuation: signedContinuation({ url: () => `${hosts[1 - at]?.url}/drain`, keys: [key, oldKey] }),
      });
      const handle = fetchHandler(ofFewRequests(drain, 12), {
        token: testToken,
        cronSecret: "a-cron-secret",
        receiveHop: signedReceiver({ keys: [key, oldKey], nonces: redisNonces(client) }),
        onReport: (report, { hop }) => reports.push({ report, hop, host: at }),
      });
      hosts.push(
        await startFetchHost(async (request, context) => {
          const copy = request.clone();
          const response = await handle(request, context);
          if (copy.headers.has("spillway-signature")) {
            const { url, headers } = copy;
            heard.push({ url, headers, body: await copy.text(), status: response.status });
          }
          return response;
        }),
      );
    }
  });
  afterEach(() => Promise.all(hosts.map((host) => host.close())));

  const tick = (): Promise<Response> =>
    fetch(`${hosts[0]?.url}/cron`, { headers: { authorization: "Bearer a-cron-secret" } });
  const idle = async (): Promise<void> => {
    for (let calls = -1; calls !== heard.length; ) {
      calls = heard.length;
      for (const host of hosts) await host.idle();
    }
  };

  it("drains 5,000 messages over more than ten hops, once each, from one tick", async () => {
    await pushNumbered(door, list, 5_000);
    expect(await (await tick()).json()).toMatchObject({ stopped: "budget", continuedWith: "signed" });
    await idle();

    await handled.expectOnceEach(5_000, door);
    expect(reports.length).toBeGreaterThan(10);
    expect(reports.map(({ hop }) => hop)).toEqual(reports.map((_, at) => at));
    expect(reports.map(({ host }) => host)).toEqual(reports.map((_, at) => at % 2));
    expect(reports.at(-1)?.report).toMatchObject({ remaining: 0, continuedWith: null, error: null });
    expect(heard.every(({ status }) => status === 202)).toBe(true);
  });

  it("takes no hop twice: a replayed call gets 401, costs the nonce's command, and drains nothing", async () => {
    await pushNumbered(door, list, 1_000);
    await tick();
    await idle();
    const [call] = heard;
    expect(call).toBeDefined();
    await pushNumbered(door, list, 10);
    const runs = reports.length;
    await door.resetCommandCount();

    for (const host of hosts) {
      const { headers, body } = call as (typeof heard)[number];
      const answer = await fetch(`${host.url}/drain`, { method: "POST", headers, body });
      expect(answer.status).toBe(401);
      expect(await answer.json()).toMatchObject({
        status: 401,
        detail: "The signature is not valid: replayed.",
      });
    }
    await idle();
    expect(reports.length).toBe(runs);
    expect(await door.commandCount()).toBe(2);
    expect(await door.waiting(list)).toHaveLength(10);
  });

  const body = JSON.stringify(writeHop({ list, chain: { id: "c", hop: 1 } }));
  const signedFor = (url: string, with_ = key, more = {}): Promise<Record<string, string>> =>
    signRequest({ method: "POST", url, body }, { key: with_, ...more });

  it("takes a call that the old key signed, while keys are rotated", async () => {
    await pushNumbered(door, list, 5);
    const url = `${hosts[0]?.url}/drain`;
    const answer = await fetch(url, { method: "POST", headers: await signedFor(url, oldKey), body });
    expect([answer.status, await answer.json()]).toEqual([202, { status: "started" }]);
    await idle();
    await handled.expectOnceEach(5, door);
    expect(reports).toMatchObject([{ hop: 1, report: { stopped: "empty" } }]);
  });

  it.each<[string, (url: string) => Promise<{ headers: Record<string, string>; body: string }>]>([
    ["unsigned", async () => ({ headers: {}, body })],
    ["signed with another key", async (url) => ({ headers: await signedFor(url, `${key}!`), body })],
    ["signed for another path", async () => ({ headers: await signedFor("/other"), body })],
    ["altered", async (url) => ({ headers: await signedFor(url), body: body.replace("c", "d") })],
    ["expired", async (url) => ({ headers: await signedFor(url, key, { now: 1 }), body })],
    [
      "good for a year",
      async (url) => ({ headers: await signedFor(url, key, { now: Date.now() + 31_536_000_000 }), body }),
    ],
    ["malformed", async () => ({ headers: { "spillway-signature": "v1;mac=00" }, body })],
    ["too large", async (url) => ({ headers: await signedFor(url), body: "x".repeat(100_000) })],
  ])("answers a call that is %s with 401, without a command to Redis", async (_title, make) => {
    await pushNumbered(door, list, 10);
    const before = await door.everything();
    await door.resetCommandCount();
    const url = `${hosts[0]?.url}/drain`;
    const answer = await fetch(url, { method: "POST", ...(await make(url)) });
    await idle();
    expect(answer.status).toBe(401);
    expect(await door.commandCount()).toBe(0);
    expect(await door.everything()).toEqual(before);
    expect(reports).toEqual([]);
  });
});
