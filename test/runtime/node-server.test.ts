import { afterEach, describe, expect, it } from "vitest";
import { type NodeServer, type NodeServerOptions, startServer } from "../../adapters/hosts/node/server.ts";
import { memory } from "../../adapters/local/memory.ts";
import { createDrain, type Drain, type Handler, OptionError, type RedisClient } from "../../src/index.ts";

const token = "a-token";

describe("a drain on a box", () => {
  let server: NodeServer | undefined;

  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });

  const start = async (
    handler: Handler<unknown>,
    options: Partial<NodeServerOptions> = {},
  ): Promise<{ redis: RedisClient; drain: Drain; server: NodeServer }> => {
    const redis = memory();
    const drain = createDrain({ redis, list: "mail", concurrency: 1, handler });
    server = await startServer(drain, { token, port: 0, ...options });
    return { redis, drain, server };
  };
  const post = (at: NodeServer): Promise<Response> =>
    fetch(`${at.url}/drain`, { method: "POST", headers: { authorization: `Bearer ${token}` } });

  it("drains over real HTTP", async () => {
    const seen: string[] = [];
    const { drain, server } = await start((message) => void seen.push(message.payload));
    await drain.push(["a", "b"]);

    const response = await post(server);

    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ claimed: 2, acked: 2, stopped: "empty" });
    expect(seen).toEqual(["a", "b"]);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });

  it("drains on schedule, and reports each run", async () => {
    let report: unknown;
    const reported = new Promise<void>((resolve) => {
      void start(() => undefined, {
        cron: "* * * * * *",
        onReport: (given) => {
          report = given;
          resolve();
        },
      });
    });
    await reported;
    expect(report).toMatchObject({ stopped: "empty", claimed: 0 });
  });

  it("takes hops without a token, at once, and reports them", async () => {
    const reported: unknown[] = [];
    let tell: () => void = () => undefined;
    const told = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const { drain, server } = await start(() => undefined, {
      receiveHop: async (request) =>
        request.headers.has("x-hop") ? { list: "mail", chain: { id: "c", hop: 3 } } : null,
      onReport: (report) => {
        reported.push(report);
        tell();
      },
    });
    await drain.push("a");
    const answer = await fetch(`${server.url}/drain`, { method: "POST", headers: { "x-hop": "1" } });
    expect([answer.status, await answer.json()]).toEqual([202, { status: "started" }]);
    await told;
    expect(reported).toMatchObject([{ acked: 1, stopped: "empty" }]);
    expect((await post(server)).status).toBe(200);
    expect(reported).toHaveLength(1);
  });

  it("does not tick over a tick that still runs", async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { drain, server } = await start(() => held);
    await drain.push("slow");

    const first = server.tick();
    expect(await server.tick()).toBeNull();
    release();
    expect(await first).toMatchObject({ acked: 1 });
  });

  it("stops by aborting what runs and waiting for it, and releases what has not begun", async () => {
    const begun: { signal?: AbortSignal } = {};
    const {
      redis,
      drain,
      server: at,
    } = await start(
      (message) =>
        new Promise((_, reject) => {
          begun.signal = message.signal;
          message.signal.addEventListener("abort", () => reject(message.signal.reason));
          void at.stop().then(() => undefined);
        }),
    );
    await drain.push(["a", "b"]);

    const report = await at.tick();
    server = undefined;

    expect(begun.signal?.aborted).toBe(true);
    expect(report).toMatchObject({ stopped: "aborted", released: 2, acked: 0 });
    expect(await redis.command(["LRANGE", "mail", 0, -1])).toEqual(["b", "a"]);
    expect(await redis.command(["DBSIZE"])).toBe(1);
  });

  it("refuses a bad cron pattern", async () => {
    await expect(start(() => undefined, { cron: "every minute" })).rejects.toThrow(OptionError);
  });

  it("rejects when the port is taken", async () => {
    const { server: first } = await start(() => undefined);
    const drain = createDrain({ redis: memory(), list: "mail", handler: () => undefined });
    await expect(startServer(drain, { token, port: first.port })).rejects.toThrow(/EADDRINUSE/);
  });
});
