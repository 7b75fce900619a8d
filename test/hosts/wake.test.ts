import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { alarmContinuation, cloudflareHandler } from "../../adapters/hosts/cloudflare/index.ts";
import { fetchHandler } from "../../adapters/hosts/fetch/index.ts";
import { lambdaHandler } from "../../adapters/hosts/lambda/index.ts";
import { startServer } from "../../adapters/hosts/node/server.ts";
import { memory } from "../../adapters/local/memory.ts";
import {
  type Continuation,
  createDrain,
  type Drain,
  type RedisClient,
  RedisTransportError,
  readHop,
  writeHop,
} from "../../src/index.ts";
import { type FaultyClient, faultyClient } from "../support/faulty-client.ts";
import { moment } from "../support/moment.ts";

const token = "the-token-of-operators";
const wakeToken = "the-token-of-producers";

/** How a request comes to a host. */
interface Host {
  send(method: string, path: string, authorization?: string): Promise<Response>;
  /** Resolves when nothing that an answer left running is under way. */
  idle(): Promise<unknown>;
}

interface Tokens {
  readonly token?: string;
  readonly wakeToken?: string;
}

type Open = (
  drain: { redis: RedisClient; handled: string[]; continuation?: Continuation },
  tokens: Tokens,
) => Promise<Host>;

const made = ({ redis, handled, continuation }: Parameters<Open>[0]): Drain =>
  createDrain({
    redis,
    list: "mail",
    handler: ({ payload }) => void handled.push(payload),
    ...(continuation ? { continuation } : {}),
  });

const requestOf = (method: string, path: string, authorization?: string): Request =>
  new Request(`https://drain.example${path}`, { method, headers: authorization ? { authorization } : {} });

/** What the platform keeps alive. */
function keeping(): { waitUntil(promise: Promise<unknown>): void; idle(): Promise<unknown> } {
  const kept: Promise<unknown>[] = [];
  return { waitUntil: (promise) => void kept.push(promise), idle: () => Promise.all(kept) };
}

const hosts: Record<string, Open> = {
  fetch: async (drain, tokens) => {
    const handle = fetchHandler(made(drain), { ...tokens, onReport: () => undefined });
    const { idle, waitUntil } = keeping();
    return { idle, send: (...call) => handle(requestOf(...call), { waitUntil }) };
  },
  Lambda: async (drain, tokens) => {
    const handle = lambdaHandler(made(drain), { ...tokens, log: () => undefined });
    const context = {
      awsRequestId: "r",
      functionName: "f",
      invokedFunctionArn: "arn:aws:lambda:eu-central-1:1:function:f",
      getRemainingTimeInMillis: () => 10_000,
    };
    return {
      idle: async () => undefined,
      send: async (method, rawPath, authorization) => {
        const event = {
          version: "2.0",
          rawPath,
          rawQueryString: "",
          headers: { host: "drain.example", ...(authorization ? { authorization } : {}) },
          requestContext: { http: { method, path: rawPath }, domainName: "drain.example" },
          isBase64Encoded: false,
        };
        const said = (await handle(event, context)) as { statusCode: number; body: string };
        return new Response(said.body, { status: said.statusCode });
      },
    };
  },
  Node: async (drain, tokens) => {
    const reported = moment();
    const onReport = reported.come;
    const server = await startServer(made(drain), { port: 0, onReport, ...tokens });
    onTestFinished(() => server.stop());
    return {
      idle: () => reported.came,
      send: (method, path, authorization) =>
        fetch(server.url + path, { method, headers: authorization ? { authorization } : {} }),
    };
  },
  Cloudflare: async ({ redis, handled, continuation }, tokens) => {
    const handlers = cloudflareHandler(
      () => ({ redis, list: "mail", handler: ({ payload }) => void handled.push(payload) }),
      {
        continuation: continuation ?? null,
        onReport: () => undefined,
        token: () => tokens.token,
        wakeToken: () => tokens.wakeToken,
      },
    );
    const { idle, waitUntil } = keeping();
    return { idle, send: (...call) => handlers.fetch(requestOf(...call), {}, { waitUntil }) };
  },
};

describe.each(Object.entries(hosts))("POST /wake on %s", (name, open) => {
  let redis: FaultyClient;
  let handled: string[];
  let calls: Continuation["invoke"][];

  beforeEach(() => {
    // Its clock stands: a mark must not end because a machine is slow.
    redis = faultyClient(memory({ now: () => 1_800_000_000_000 }), () => "none");
    handled = [];
    calls = [];
    vi.spyOn(console, "error").mockImplementation(() => undefined);
  });
  afterEach(() => vi.restoreAllMocks());

  const continuation: Continuation = {
    name: "test",
    invoke: async () => {
      calls.push(async () => null);
      return null;
    },
  };
  const push = (...payloads: string[]) => redis.command(["LPUSH", "mail", ...payloads]);

  it.each([
    ["the producers' token", `Bearer ${wakeToken}`],
    ["the operators' token", `Bearer ${token}`],
    ["any case of the scheme", `bearer ${wakeToken}`],
  ])("is opened by %s, and drains", async (_, authorization) => {
    const host = await open({ redis, handled }, { token, wakeToken });
    await push("a", "b");
    const response = await host.send("POST", "/wake", authorization);
    expect(response.status).toBe(name === "Lambda" ? 501 : 202);
    await host.idle();
    if (name === "Lambda") return expect(await response.text()).toMatch(/continuation/);
    expect(await response.json()).toEqual({ woken: true });
    expect(handled).toEqual(["a", "b"]);
  });

  it.each([
    undefined,
    "",
    "Bearer ",
    "Bearer undefined",
    "Bearer null",
    `Basic ${wakeToken}`,
    wakeToken,
    `Bearer ${wakeToken}x`,
    `Bearer ${wakeToken.slice(1)}`,
    `Bearer ${token},${wakeToken}`,
    `Bearer ${"x".repeat(8_000)}`,
  ])("is closed to the authorization %j, and asks nothing of Redis", async (authorization) => {
    const host = await open({ redis, handled, continuation }, { token, wakeToken });
    expect((await host.send("POST", "/wake", authorization)).status).toBe(401);
    expect(redis.sent).toEqual([]);
    expect(calls).toEqual([]);
  });

  it("is closed where there is no token at all", async () => {
    const host = await open({ redis, handled, continuation }, {});
    expect((await host.send("POST", "/wake", "Bearer undefined")).status).toBe(403);
  });

  it("is all that the producers' token opens", async () => {
    const host = await open({ redis, handled }, { token, wakeToken });
    await push("a");
    const sent = redis.sent.length;
    for (const [method, path] of [
      ["POST", "/drain"],
      ["GET", "/stats"],
    ] as const) {
      expect((await host.send(method, path, `Bearer ${wakeToken}`)).status).toBe(403);
    }
    expect((await host.send("GET", "/wake", `Bearer ${wakeToken}`)).status).toBe(405);
    expect(redis.sent.length).toBe(sent);
  });

  it("opens neither drain nor stats where there is no other token", async () => {
    const host = await open({ redis, handled }, { wakeToken });
    expect((await host.send("POST", "/drain", `Bearer ${wakeToken}`)).status).toBe(403);
    expect((await host.send("GET", "/stats", `Bearer ${wakeToken}`)).status).toBe(403);
  });

  // On Workers the invocation that is woken drains, unless its Durable Object does; the latter asks nothing of Redis.
  if (name === "Cloudflare") return;

  it("has the continuation start one drain for many calls, at a request and a command each", async () => {
    const host = await open({ redis, handled, continuation }, { wakeToken });
    await push("a");
    const before = redis.sent.length;
    const answers: unknown[] = [];
    for (let call = 0; call < 20; call++) {
      const response = await host.send("POST", "/wake", `Bearer ${wakeToken}`);
      answers.push([response.status, await response.json()]);
    }
    expect(answers.map(String)).toEqual(answers.map(() => "202,[object Object]"));
    expect(answers.filter((one) => JSON.stringify(one).includes("true"))).toEqual([[202, { woken: true }]]);
    expect(calls.length).toBe(1);
    expect(redis.sent.slice(before).map((commands) => commands.length)).toEqual(Array(20).fill(1));
  });

  it.each<[string, Continuation["invoke"]]>([
    ["fails", () => Promise.reject(new Error("redis://user:hunter2@host"))],
    ["declines", async () => ({ declined: "hunter2" })],
  ])(
    "answers 503 without the cause where the continuation %s, and the next call tries again",
    async (_, invoke) => {
      const host = await open({ redis, handled, continuation: { name: "test", invoke } }, { wakeToken });
      for (let call = 0; call < 2; call++) {
        const response = await host.send("POST", "/wake", `Bearer ${wakeToken}`);
        expect(response.status).toBe(503);
        expect(await response.text()).not.toContain("hunter2");
      }
    },
  );
});

describe("a wake of Redis' mark", () => {
  const setup = (decide: Parameters<typeof faultyClient>[1] = () => "none", engine?: "plain") => {
    const redis = faultyClient(memory(), decide);
    const hops: unknown[] = [];
    const drain = createDrain({
      redis,
      list: "mail",
      handler: () => undefined,
      ...(engine ? { engine } : {}),
      continuation: {
        name: "test",
        // As each real continuation does: written, and read again.
        invoke: async (next) => {
          hops.push(readHop(writeHop(next)));
          return null;
        },
      },
    });
    return { redis, hops, drain };
  };

  it("is a hop that can be written and read", async () => {
    const { drain, hops } = setup();
    await drain.push("a");
    expect(hops).toMatchObject([{ list: "mail", chain: { hop: 1 } }]);
  });

  it("ends with the first claim, so that the next push to the empty list wakes again", async () => {
    const { drain, hops } = setup();
    await drain.push("a");
    await drain.run({ chain: { id: "c", hop: 1 } });
    expect(await drain.push("b")).toMatchObject({ woken: true });
    expect(hops.length).toBe(2);
  });

  it("keeps a tick away for the moment before the drain begins, for one command and two more", async () => {
    const { drain } = setup();
    await drain.push("a");
    expect(await drain.run()).toMatchObject({ stopped: "busy", commands: 3 });
  });

  it("ends by itself, so that a woken drain which died is no more than a second's delay", async () => {
    const { drain, redis } = setup();
    await drain.push("a");
    expect(await redis.command(["PTTL", "{mail}:busy"])).toBeLessThanOrEqual(1_000);
    expect(await redis.command(["PTTL", "{mail}:busy"])).toBeGreaterThan(0);
  });

  it("starts a drain where it is not known whether the mark was there, and none twice where a request is doubled", async () => {
    const lost = setup((_, commands) => (commands[0]?.[0] === "SET" ? "lose-reply" : "none"));
    expect(await lost.drain.wake()).toMatchObject({
      woken: false,
      wakeError: expect.any(RedisTransportError),
    });
    let count = 0;
    const once = setup((_, [command]) => (command?.[0] === "SET" && count++ === 0 ? "lose-reply" : "none"));
    expect(await once.drain.wake()).toMatchObject({ woken: true });
  });

  it("is none with the plain engine, which asks what its drains hold", async () => {
    const { drain, redis } = setup(undefined, "plain");
    expect(await drain.wake()).toEqual({ woken: true, wakeError: null });
    expect(redis.sent).toEqual([[["EXISTS", "{mail}:working"]]]);
  });

  it("says null where there is no continuation", async () => {
    const drain = createDrain({ redis: memory(), list: "mail", handler: () => undefined });
    expect(await drain.wake()).toBeNull();
  });
});

describe("a wake of a Worker with a Durable Object", () => {
  it("asks the object to begin, and nothing of Redis", async () => {
    const asked: unknown[] = [];
    const redis = faultyClient(memory(), () => "none");
    const object = {
      fetch: async (_url: string, { body }: { body?: string }) => {
        asked.push(JSON.parse(body ?? ""));
        return new Response(null, { status: 204 });
      },
    };
    const handlers = cloudflareHandler(() => ({ redis, list: "mail", handler: () => undefined }), {
      continuation: alarmContinuation(() => ({ idFromName: (name: string) => name, get: () => object })),
      wakeToken: () => wakeToken,
    });
    const response = await handlers.fetch(requestOf("POST", "/wake", `Bearer ${wakeToken}`), {}, keeping());
    expect([response.status, await response.json()]).toEqual([202, { woken: true }]);
    expect(asked).toEqual([{ ask: "begin" }]);
    expect(redis.sent).toEqual([]);
  });
});
