import { connect } from "node:net";
import { resolve } from "node:path";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { type NodeServer, type NodeServerOptions, startServer } from "../../adapters/hosts/node/server.ts";
import { memory } from "../../adapters/local/memory.ts";
import { createDrain, type Drain, type Handler, OptionError, type RedisClient } from "../../src/index.ts";
import { Program } from "../support/program.ts";

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
    server = await startServer(drain, { token, port: 0, onReport: () => undefined, ...options });
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

  it("logs what failed in a drain that the schedule began, where nobody is told", async () => {
    const lines = vi.spyOn(console, "log").mockImplementation(() => undefined);
    onTestFinished(() => lines.mockRestore());
    const { drain, server } = await start(
      () => {
        throw new Error("smtp down");
      },
      { onReport: undefined as never },
    );
    await server.tick();
    expect(lines).not.toHaveBeenCalled();
    await drain.push(["a", "b"]);
    await server.tick();
    expect(JSON.parse(String(lines.mock.calls[0]))).toMatchObject({
      spillway: { list: "mail", failures: [{ name: "Error", message: "smtp down", count: 2 }] },
    });
  });

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("the metrics are away");
      },
    ],
    ["rejects", () => Promise.reject(new Error("the metrics are away"))],
    ["never settles", () => new Promise(() => undefined)],
  ])("ticks on where onReport %s", async (_title, onReport) => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    onTestFinished(() => logged.mockRestore());
    const { server } = await start(() => undefined, { onReport: onReport as () => void });
    expect(await server.tick()).toMatchObject({ stopped: "empty" });
    expect(await server.tick()).toMatchObject({ stopped: "empty" });
  });

  it("stops within its grace though a handler hangs, and leaves what that holds leased", async () => {
    let tell: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const {
      redis,
      drain,
      server: at,
    } = await start(
      () => {
        tell();
        return new Promise(() => undefined);
      },
      { graceMs: 50 },
    );
    await drain.push("a");
    void at.tick();
    await begun;
    await at.stop();
    expect(await redis.command(["ZCARD", "{mail}:leases"])).toBe(1);
  });

  it.each<[string, string]>([
    ["nothing", ""],
    ["half a request", "POST /drain HTTP/1.1\r\nHost: x\r\nContent-Le"],
    [
      "half a body",
      `POST /drain HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: 90\r\n\r\n{`,
    ],
    ["a request, and keeps the connection", "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"],
  ])("stops within its grace though a client has sent %s", async (_title, sent) => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    onTestFinished(() => logged.mockRestore());
    const { server: at } = await start(() => undefined, { graceMs: 50 });
    const socket = connect(at.port, "127.0.0.1").resume();
    socket.on("error", () => undefined);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    if (sent) await new Promise<void>((resolve) => socket.write(sent, () => resolve()));
    await fetch(`${at.url}/health`);
    await at.stop();
    await closed;
    await expect(fetch(`${at.url}/health`)).rejects.toThrow();
  });

  it("may be stopped twice at once, and listens for no signal after that", async () => {
    const before = process.listenerCount("SIGTERM");
    const { server: at } = await start(() => undefined);
    expect(process.listenerCount("SIGTERM")).toBe(before + 1);
    await Promise.all([at.stop(), at.stop()]);
    expect(process.listenerCount("SIGTERM")).toBe(before);
    await start(() => undefined, { stopsBySignal: false });
    expect(process.listenerCount("SIGTERM")).toBe(before);
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

describe("a program that serves a drain", () => {
  const root = resolve(import.meta.dirname, "../..");
  /** Serves a list of one message, by the built package; the handler says that it has begun, and does what is given. */
  const serve = (handler: string, more = "", options = ""): Program =>
    new Program(
      process.execPath,
      [
        "--input-type=module",
        "--eval",
        `import { createDrain } from "spillway";
         import { memory } from "spillway/local";
         import { startServer } from "spillway/node";
         const drain = createDrain({ redis: memory(), list: "mail", handler: (message) => {
           console.log("begun");
           ${handler}
         } });
         await drain.push("a");
         const server = await startServer(drain, { port: 0, graceMs: 200, ${options} });
         ${more}
         server.tick().then(({ stopped }) => console.log(stopped));`,
      ],
      { folder: root, environment: {} },
    );
  const obedient = `return new Promise((_, reject) => message.signal.addEventListener("abort", () => reject(message.signal.reason)));`;
  const hanging = "setInterval(() => undefined, 1_000); return new Promise(() => undefined);";

  it.each<[string, NodeJS.Signals, string, number]>([
    ["by SIGTERM", "SIGTERM", obedient, 0],
    ["by SIGINT", "SIGINT", obedient, 0],
    ["by SIGTERM though a handler hangs", "SIGTERM", hanging, 1],
  ])("ends %s, within the grace", async (_title, signal, handler, code) => {
    const program = serve(handler);
    await program.printed(/begun/);
    program.signal(signal);
    expect(await program.ended).toEqual({ code, signal: null });
    if (code === 0) expect(program.output).toContain("aborted");
  });

  it.each(["on", "once"])("ends itself where it listens for the signal too (%s)", async (listens) => {
    const program = serve(
      obedient,
      `process.${listens}("SIGTERM", async () => {
         await server.stop();
         await drain.close();
         console.log("closed");
         process.exitCode = 7;
       });`,
    );
    await program.printed(/begun/);
    program.signal("SIGTERM");
    expect(await program.ended).toEqual({ code: 7, signal: null });
    expect(program.output).toContain("closed");
  });

  it("ends at once by a second signal", async () => {
    const program = serve(
      `setInterval(() => undefined, 1_000);
       message.signal.addEventListener("abort", () => console.log("stopping"));
       return new Promise(() => undefined);`,
      "",
      "graceMs: 86_400_000",
    );
    await program.printed(/begun/);
    program.signal("SIGTERM");
    await program.printed(/stopping/);
    program.signal("SIGTERM");
    expect(await program.ended).toEqual({ code: null, signal: "SIGTERM" });
  });
});
