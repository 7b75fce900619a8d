import { resolve } from "node:path";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterEach, describe, expect, it, vi } from "vitest";
import { startWorker, type Worker, type WorkerOptions } from "../../adapters/hosts/node/server.ts";
import { memory } from "../../adapters/local/memory.ts";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { nodeRedis } from "../../adapters/redis/node-redis.ts";
import {
  createDrain,
  type Drain,
  type DrainOptions,
  type DrainReport,
  OptionError,
  type RedisClient,
  release,
} from "../../src/index.ts";
import { Program } from "../support/program.ts";
import { useRedisServer } from "../support/redis-under-test.ts";
import { until } from "../support/until.ts";

const { door, server } = useRedisServer();
const url = () => server().url;

const running: { worker: Worker; drain: Drain }[] = [];
afterEach(async () => {
  for (const { worker, drain } of running.splice(0)) {
    await worker.stop();
    await drain.close();
  }
});

function start(redis: RedisClient, drainOptions: Partial<DrainOptions> = {}, options: WorkerOptions = {}) {
  const seen: string[] = [];
  const reports: DrainReport[] = [];
  const handler = ({ payload }: { payload: string }): void => void seen.push(payload);
  const drain = createDrain({ redis, list: "mail", handler, ...drainOptions } as DrainOptions);
  const onReport = (report: DrainReport): void => void reports.push(report);
  const worker = startWorker(drain, { stopsBySignal: false, onReport, ...options });
  running.push({ worker, drain });
  return { seen, reports, drain, worker };
}

/** Waits until the worker waits at the server. */
const untilBlocked = () => until(async () => String(await door.redis.client("LIST")).includes("cmd=blmove"));

describe("a worker", () => {
  it.each<[string, () => RedisClient]>([
    ["ioredis", () => ioredis({ url: url() })],
    ["node-redis", () => nodeRedis({ url: url() })],
  ])("over %s waits by one command, and handles what is pushed without asking", async (_name, open) => {
    const { seen, reports } = start(open());
    await untilBlocked();
    const waiting = reports.length;
    await door.redis.lpush("mail", "a", "b");
    await until(() => seen.length === 2);
    await untilBlocked();
    expect(seen).toEqual(["a", "b"]);
    // It ran once for them, and once more at most for what may have come after.
    expect(reports.length - waiting).toBeLessThanOrEqual(2);
    expect(await door.everything()).toEqual({});
  });

  it.each<[string, () => Promise<[RedisClient, () => unknown]>]>([
    [
      "ioredis",
      async () => {
        const own = new Redis(url(), { commandTimeout: 50, socketTimeout: 50, blockingTimeout: 50 });
        return [ioredis(own), () => own.disconnect()];
      },
    ],
    [
      "node-redis",
      async () => {
        const own = createClient({ url: url(), socket: { socketTimeout: 50 } }).on("error", () => undefined);
        await own.connect();
        return [nodeRedis(own as never), () => own.isOpen && own.destroy()];
      },
    ],
  ])("waits over a %s of your own for longer than other commands may take there", async (_name, open) => {
    const [redis, end] = await open();
    try {
      const drain = createDrain({ redis, list: "mail", handler: () => undefined });
      expect(await drain.waitForMessage({ timeoutMs: 300 })).toBe(false);
      await drain.close();
    } finally {
      end();
    }
  });

  it("asks where its client cannot block", async () => {
    const redis = memory();
    const { seen } = start(redis);
    await redis.command(["LPUSH", "mail", "a"]);
    await until(() => seen.length === 1);
  });

  it("asks where blocking is refused", async () => {
    await door.redis.call("ACL", "SETUSER", "tenant", "reset", "on", ">pass", "~*", "+@all", "-blmove");
    const { seen, reports } = start(ioredis({ url: url().replace("redis://", "redis://tenant:pass@") }));
    await until(() => reports.length > 0);
    await door.redis.lpush("mail", "a");
    await until(() => seen.length === 1);
    expect(reports.every(({ error }) => error === null)).toBe(true);
  });

  it("handles what is delayed when it is due", async () => {
    const { seen, drain } = start(ioredis({ url: url() }));
    await drain.push("later", { delayMs: 300 });
    await drain.push("now");
    await until(() => seen.length === 2);
    expect(seen).toEqual(["now", "later"]);
  });

  it("rests while its list is paused, and goes on when it is resumed", async () => {
    const { seen, drain, reports } = start(ioredis({ url: url() }));
    await drain.pause();
    await drain.push("a");
    await until(() => reports.at(-1)?.stopped === "paused");
    expect(seen).toEqual([]);
    await drain.resume();
    await until(() => seen.length === 1);
  });

  it("does not run on and on where its handler gives everything back", async () => {
    const { reports } = start(memoryWith("a"), { handler: () => release });
    await until(() => reports.length >= 1);
    await new Promise((done) => setImmediate(done));
    expect(reports.length).toBe(1);
  });

  it("stops while it waits, and while a handler runs, which hears of it", async () => {
    const idle = start(ioredis({ url: url() }));
    await untilBlocked();
    await idle.worker.stop();

    let isAborted = false;
    let hasBegun = false;
    const handler = ({ signal }: { signal: AbortSignal }): Promise<void> =>
      new Promise((_, reject) => {
        hasBegun = true;
        signal.addEventListener("abort", () => {
          isAborted = true;
          reject(signal.reason);
        });
      });
    const busy = start(ioredis({ url: url() }), { handler: handler as never });
    await door.redis.lpush("mail", "a");
    await until(() => hasBegun);
    await Promise.all([busy.worker.stop(), busy.worker.stop()]);
    expect(isAborted).toBe(true);
    expect(busy.reports.at(-1)).toMatchObject({ stopped: "aborted", released: 1 });
    expect(await door.waiting("mail")).toEqual(["a"]);
  });

  it("lets a handler that heeds no signal end within its grace", async () => {
    let hasBegun = false;
    const handler = ({ signal }: { signal: AbortSignal }): Promise<void> =>
      new Promise((done) => {
        hasBegun = true;
        signal.addEventListener("abort", () => setTimeout(done, 50));
      });
    const slow = start(ioredis({ url: url() }), { handler: handler as never, reserveMs: 0 });
    await door.redis.lpush("mail", "a");
    await until(() => hasBegun);
    await slow.worker.stop();
    expect(slow.reports.at(-1)).toMatchObject({ stopped: "aborted", acked: 1 });
    expect(await door.everything()).toEqual({});
  });

  it("ends by itself where its drain was closed", async () => {
    const { drain } = start(ioredis({ url: url() }));
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    try {
      await untilBlocked();
      await drain.close();
      await until(() => logged.mock.calls.some(([text]) => /the worker ends/.test(String(text))));
    } finally {
      logged.mockRestore();
    }
  });

  it("shares its process with others: all have stopped before it ends", async () => {
    const program = new Program(
      "node",
      [
        "--input-type=module",
        "--eval",
        `import { createDrain } from "spillway";
         import { ioredis } from "spillway/ioredis";
         import { startWorker } from "spillway/node";
         const handler = ({ signal }) => new Promise((done) => {
           signal.addEventListener("abort", () => setTimeout(done, 100));
           console.log("begun");
         });
         for (const list of ["first", "mail", "last"])
           startWorker(createDrain({ redis: ioredis({ url: ${JSON.stringify(url())} }), list, handler }));`,
      ],
      { folder: resolve(import.meta.dirname, "../.."), environment: {} },
    );
    await untilBlocked();
    await door.redis.lpush("last", "a");
    await door.redis.lpush("mail", "a");
    await program.printed(/begun\s+begun/);
    program.signal("SIGTERM");
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(await door.everything()).toEqual({});
  });

  it("in a process of its own ends by SIGTERM, with nothing left behind", async () => {
    await door.redis.lpush("mail", "a");
    const program = new Program(
      "node",
      [
        "--input-type=module",
        "--eval",
        `import { createDrain } from "spillway";
         import { ioredis } from "spillway/ioredis";
         import { startWorker } from "spillway/node";
         const drain = createDrain({
           redis: ioredis({ url: ${JSON.stringify(url())} }),
           list: "mail",
           handler: ({ payload }) => console.log("handled", payload),
         });
         startWorker(drain);`,
      ],
      { folder: resolve(import.meta.dirname, "../.."), environment: {} },
    );
    await program.printed(/handled a/);
    await untilBlocked();
    program.signal("SIGTERM");
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(await door.everything()).toEqual({});
  });

  it.each<[string, object]>([
    ["budgetMs", { budgetMs: 0 }],
    ["idleMs", { idleMs: Number.NaN }],
    ["graceMs", { graceMs: 1e21 }],
    ["onReport", { onReport: "log" }],
    ["idle", { idle: 5 }],
  ])("refuses a wrong %s", (option, options) => {
    const drain = createDrain({ redis: memory(), list: "mail", handler: () => undefined });
    expect(() => startWorker(drain, options)).toThrow(
      expect.objectContaining({ name: "OptionError", option }),
    );
    expect(() => startWorker({} as Drain)).toThrow(OptionError);
  });
});

function memoryWith(payload: string): RedisClient {
  const redis = memory();
  void redis.command(["LPUSH", "mail", payload]);
  return redis;
}
