import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { signRequest } from "../../adapters/continue/signed/index.ts";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import type { RestServer } from "../../adapters/local/rest-server.ts";
import { writeHop } from "../../src/index.ts";
import { copyExample, type ExampleProject } from "../support/example.ts";
import { type FetchHost, startFetchHost } from "../support/fetch-host.ts";
import { leftIn, pushNumbered } from "../support/handled-counts.ts";
import { deliverySignature, QstashServer } from "../support/qstash-server.ts";
import { Receiver } from "../support/receiver.ts";
import { startRest, startTestRedis, testToken } from "../support/redis.ts";
import { SideDoor } from "../support/side-door.ts";

/*
 * The examples for Vercel and Netlify, copied into a project and imported as their platform would, over real HTTP, QStash
 * and the platforms played by doubles. The clock stands still but for the receiver, which takes five seconds for every ten
 * messages: so a budget of minutes ends after some hundred messages, the same on any machine.
 */
const list = "webhooks";
const hop = JSON.stringify(writeHop({ list, chain: { id: "c", hop: 1 } }));

interface Reported {
  readonly hop?: number;
  readonly chainId?: string;
  readonly elapsedMs: number;
  readonly stopped: string;
  readonly continuedWith: string | null;
}

let redis: RedisServer;
let rest: RestServer;
let door: SideDoor;
let receiver: Receiver;
/** What the example has logged. */
let reports: Reported[];

beforeAll(async () => {
  redis = await startTestRedis();
  rest = await startRest(redis);
  door = new SideDoor(redis.url);
  vi.stubEnv("UPSTASH_REDIS_REST_URL", rest.url);
  vi.stubEnv("UPSTASH_REDIS_REST_TOKEN", testToken);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  door.close();
  await rest.close();
  await redis.stop();
});
beforeEach(async () => {
  await door.redis.flushall();
  receiver.answered.length = 0;
  reports = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => void reports.push(JSON.parse(line)));
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Starts what an example posts to, and makes time pass by what comes there. */
async function startReceiver(): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  receiver = new Receiver({
    onDelivery: (count) => {
      if (count % 10 === 0) vi.advanceTimersByTime(5_000);
    },
  });
  vi.stubEnv("DELIVER_TO", await receiver.start());
}
async function stopReceiver(): Promise<void> {
  vi.useRealTimers();
  await receiver.close();
}

async function expectOnceEach(count: number): Promise<void> {
  const payloads = receiver.answered.map(({ payload }) => payload);
  const pushed = Array.from({ length: count }, (_, at) => `{"n":${at}}`);
  expect(payloads.sort()).toEqual(pushed.sort());
  expect(leftIn(await door.everything())).toEqual([]);
}

/** Makes a call that must change nothing, and hands on its answer. */
async function expectNoChange(call: () => Promise<Response>, idle: () => Promise<void>): Promise<Response> {
  await pushNumbered(door, list, 10);
  const before = await door.everything();
  await door.resetCommandCount();
  const answer = await call();
  await idle();
  expect(await door.commandCount()).toBe(0);
  expect(await door.everything()).toEqual(before);
  expect(receiver.answered).toEqual([]);
  expect(reports).toEqual([]);
  return answer;
}

describe("the example for Vercel", () => {
  const signingKey = "sig_current";
  let project: ExampleProject;
  let service: QstashServer;
  let host: FetchHost;
  let url: string;

  beforeAll(async () => {
    project = await copyExample("vercel");
    service = new QstashServer({ token: "a-qstash-token", signingKey });
    let methods: Record<string, (request: Request) => Promise<Response>> = {};
    host = await startFetchHost(async (request, context) => {
      const { pathname } = new URL(request.url);
      const method = methods[request.method];
      if (pathname !== "/api/drain") return new Response(null, { status: 404 });
      // Where Vercel keeps what belongs to a request; all of ours share one.
      vi.stubGlobal(Symbol.for("@vercel/request-context") as unknown as string, { get: () => context });
      return method ? method(request) : new Response(null, { status: 405 });
    });
    url = `${host.url}/api/drain`;
    await startReceiver();
    for (const [name, value] of Object.entries({
      DRAIN_URL: url,
      CRON_SECRET: "a-cron-secret",
      QSTASH_URL: await service.start(),
      QSTASH_TOKEN: "a-qstash-token",
      QSTASH_CURRENT_SIGNING_KEY: signingKey,
      QSTASH_NEXT_SIGNING_KEY: "sig_next",
    })) {
      vi.stubEnv(name, value);
    }
    methods = await import(pathToFileURL(join(project.folder, "api/drain.ts")).href);
  });
  afterAll(async () => {
    vi.unstubAllGlobals();
    await stopReceiver();
    await service.close();
    await host.close();
    await project.remove();
  });

  const idle = async (): Promise<void> => {
    for (let count = -1; count !== service.delivered.length; ) {
      count = service.delivered.length;
      await service.idle();
      await host.idle();
    }
  };
  const tick = (headers: Record<string, string>): Promise<Response> => fetch(url, { headers });

  it("drains what one call has no time for over hops by QStash, each message once, each call within its maxDuration", async () => {
    await pushNumbered(door, list, 1_500);

    const answer = await tick({ authorization: "Bearer a-cron-secret" });

    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ stopped: "budget", continuedWith: "qstash", error: null });
    await idle();
    await expectOnceEach(1_500);
    expect(service.delivered).toEqual([202, 202]);
    expect(reports.map(({ hop }) => hop)).toEqual([0, 1, 2]);
    expect(new Set(reports.map(({ chainId }) => chainId)).size).toBe(1);
    expect(reports.at(-1)).toMatchObject({ stopped: "empty", continuedWith: null });
    const { functions } = JSON.parse(await readFile(join(project.folder, "vercel.json"), "utf8"));
    const longestMs = functions["api/drain.ts"].maxDuration * 1_000;
    for (const { elapsedMs } of reports) expect(elapsedMs).toBeLessThan(longestMs);
  });

  it.each<[string, Record<string, string>]>([
    ["no secret", {}],
    ["a wrong secret", { authorization: "Bearer a-cron-secret!" }],
  ])(
    "answers its schedule's path with 401 where the call has %s, and changes nothing",
    async (_title, headers) => {
      expect((await expectNoChange(() => tick(headers), idle)).status).toBe(401);
    },
  );

  it.each<[string, number, () => Record<string, string>]>([
    ["unsigned", 401, () => ({})],
    ["with the cron secret alone", 401, () => ({ authorization: "Bearer a-cron-secret" })],
    ["signed with another key", 401, () => signature("sig_other", hop)],
    ["signed for another body", 401, () => signature(signingKey, `${hop} `)],
  ])("refuses a hop that is %s with %i, and changes nothing", async (_title, status, headers) => {
    const call = () => fetch(url, { method: "POST", headers: headers(), body: hop });
    expect((await expectNoChange(call, idle)).status).toBe(status);
  });

  function signature(key: string, body: string): Record<string, string> {
    return { "upstash-signature": deliverySignature({ destination: url, body, key }) };
  }
});

describe("the example for Netlify", () => {
  const key = "the-key-of-this-site-0123456789abcdef";
  let project: ExampleProject;
  let host: FetchHost;
  let tick: () => Promise<Response>;
  /** What the background function has returned, which nobody but its platform sees. */
  let answered: number[];

  beforeAll(async () => {
    project = await copyExample("netlify");
    let background: (request: Request) => Promise<Response>;
    // A background function runs after its caller has been answered.
    host = await startFetchHost(async (request, { waitUntil }) => {
      const { pathname } = new URL(request.url);
      if (pathname !== "/.netlify/functions/drain-background") return new Response(null, { status: 404 });
      const { method, url, headers } = request;
      const copy = new Request(url, { method, headers, body: await request.arrayBuffer() });
      waitUntil?.(background(copy).then(({ status }) => answered.push(status)));
      return new Response(null, { status: 202 });
    });
    await startReceiver();
    vi.stubEnv("URL", host.url);
    vi.stubEnv("DRAIN_KEYS", key);
    const functions = pathToFileURL(join(project.folder, "netlify/functions/")).href;
    ({ default: background } = await import(`${functions}drain-background.mts`));
    ({ default: tick } = await import(`${functions}drain.mts`));
  });
  afterAll(async () => {
    await stopReceiver();
    await host.close();
    await project.remove();
  });
  beforeEach(() => {
    answered = [];
  });

  it("drains what the schedule has no time for in the background, over signed hops, each message once, each function within its limit", async () => {
    await pushNumbered(door, list, 2_500);

    expect((await tick()).status).toBe(204);

    expect(reports).toMatchObject([{ stopped: "budget", continuedWith: "signed" }]);
    await host.idle();
    await expectOnceEach(2_500);
    expect(answered).toEqual([200, 200]);
    expect(reports.map(({ hop }) => hop)).toEqual([undefined, 1, 2]);
    expect(reports.at(-1)).toMatchObject({ stopped: "empty", continuedWith: null });
    for (const [at, { elapsedMs }] of reports.entries()) {
      expect(elapsedMs).toBeLessThan(at === 0 ? 30_000 : 900_000);
    }
  });

  const backgroundUrl = () => `${host.url}/.netlify/functions/drain-background`;
  it.each<[string, number, () => Promise<Record<string, string>>]>([
    ["unsigned", 401, async () => ({})],
    ["signed with another key", 401, () => signature(`${key}!`, backgroundUrl())],
    ["signed for another function", 401, () => signature(key, `${host.url}/.netlify/functions/drain`)],
  ])("refuses a hop that is %s with %i, and changes nothing", async (_title, status, headers) => {
    const call = async () => fetch(backgroundUrl(), { method: "POST", headers: await headers(), body: hop });
    await expectNoChange(call, () => host.idle());
    expect(answered).toEqual([status]);
  });

  it("takes no hop twice", async () => {
    const headers = await signature(key, backgroundUrl());
    for (let times = 0; times < 2; times++) {
      await fetch(backgroundUrl(), { method: "POST", headers, body: hop });
      await host.idle();
    }
    expect(answered).toEqual([200, 401]);
    expect(reports).toHaveLength(1);
  });

  function signature(with_: string, url: string): Promise<Record<string, string>> {
    return signRequest({ method: "POST", url, body: hop }, { key: with_ });
  }
});
