import { describe, expect, it } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { createDrain, type DrainOptions, RedisTransportError } from "../../src/index.ts";
import { useClient, useRedisServer } from "../support/redis-under-test.ts";

const redis = useRedisServer();
const open = useClient(redis, (server) => ioredis({ url: server.url }));
const { door } = redis;

const small = 10;
const huge = 50_000;
const maxBatchBytes = 10_000;
const repeated = (count: number, size: number): number[] => Array.from({ length: count }, () => size);

/** Bytes that each script took from the list's right end, by what `MONITOR` saw; what it put back counts as well. */
async function bytesPopped(sizes: readonly number[], work: () => Promise<unknown>): Promise<number[]> {
  const waiting = [...sizes];
  const scripts: number[] = [];
  const monitor = await door.redis.monitor();
  const ended = new Promise<void>((resolve) => {
    monitor.on("monitor", (_, [name, key, ...args]: string[], source: string) => {
      const command = name?.toLowerCase();
      if (command === "echo") resolve();
      if (command?.startsWith("eval")) scripts.push(0);
      if (source !== "lua" || key !== "mail") return;
      if (command === "rpop") {
        const popped = waiting.splice(0, Number(args[0]));
        scripts.push((scripts.pop() as number) + popped.reduce((sum, size) => sum + size, 0));
      }
      if (command === "rpush") waiting.unshift(...args.map((text) => text.length).reverse());
    });
  });
  await work();
  await door.redis.echo("end");
  await ended;
  monitor.disconnect();
  return scripts;
}

async function drained(sizes: readonly number[], options: Partial<DrainOptions<never>> = {}) {
  for (let at = 0; at < sizes.length; at += 100) {
    await door.redis.lpush("mail", ...sizes.slice(at, at + 100).map((size) => "x".repeat(size)));
  }
  const seen: number[] = [];
  const drain = createDrain({
    redis: open(),
    list: "mail",
    batchSize: 100,
    maxBatchBytes,
    prefetch: 0,
    batchHandler: (messages) => void seen.push(...messages.map(({ bytes }) => bytes.length)),
    ...options,
  } as DrainOptions<never>);
  let report: Awaited<ReturnType<typeof drain.run>> | undefined;
  const popped = await bytesPopped(sizes, async () => {
    report = await drain.run();
  });
  return { seen, popped, report };
}

describe("what one script pops", () => {
  it.each<[string, number[]]>([
    ["all small", repeated(300, small)],
    ["all huge", repeated(30, huge)],
    ["small, then huge", [...repeated(150, small), ...repeated(20, huge)]],
    ["huge, then small", [...repeated(20, huge), ...repeated(150, small)]],
    ["one huge in the middle", [...repeated(150, small), huge, ...repeated(150, small)]],
    ["empty payloads", repeated(300, 0)],
    ["empty payloads, then huge", [...repeated(120, 0), ...repeated(10, huge)]],
    ["half of what a batch may have", repeated(40, maxBatchBytes / 2)],
    ["each as large as a batch", repeated(20, maxBatchBytes)],
    ["ever larger", Array.from({ length: 200 }, (_, at) => at * 20)],
    ["ever smaller", Array.from({ length: 200 }, (_, at) => (199 - at) * 20)],
    ["one huge at the far end", [...repeated(99, small), huge]],
    ["one message alone", [small]],
    ["one huge message alone", [huge]],
  ])("is about what a batch may have, and two messages: %s", async (_, sizes) => {
    const { seen, popped, report } = await drained(sizes);
    expect(seen).toEqual(sizes);
    expect(report).toMatchObject({ acked: sizes.length, stopped: "empty" });
    expect(Math.max(...popped)).toBeLessThanOrEqual(maxBatchBytes + 2 * Math.max(...sizes));
    expect(await door.everything()).toEqual({});
  });

  it("is bounded by twice as many messages as were seen, where huge ones hide between small ones, and that only once", async () => {
    const { seen, popped, report } = await drained([
      ...repeated(10, small),
      ...repeated(40, huge),
      ...repeated(60, small),
    ]);
    const most = popped.map((bytes) => Math.round(bytes / huge)).sort((a, b) => b - a);
    expect(seen).toHaveLength(110);
    expect(report).toMatchObject({ acked: 110, stopped: "empty" });
    expect(most[0]).toBeLessThanOrEqual(20);
    expect(most[1]).toBeLessThanOrEqual(2);
  });

  it("makes batches no smaller than their bytes ask for, because a huge one waits far behind", async () => {
    const { report } = await drained([...repeated(99, small), huge]);
    expect(report?.requests).toBeLessThanOrEqual(5);
  });

  it("costs no more than a tenth of a command a message where all are small", async () => {
    const { report } = await drained(repeated(2_000, small));
    expect(report?.commands).toBeLessThanOrEqual(200);
  });

  it("costs 12 commands in all for one message alone", async () => {
    const { report } = await drained([small]);
    expect(report?.commands).toBeLessThanOrEqual(12);
  });
});

it("a claim that timed out, and its whole run with it, lets the next one ask for half as much", async () => {
  const asked: number[] = [];
  let isSlow = true;
  const client = open();
  const drain = createDrain({
    redis: {
      name: "slow",
      command: async (command, options) => {
        if (String(command[0]).startsWith("EVAL")) {
          asked.push(Number(command[3 + Number(command[2]) + 8]));
          if (isSlow) throw new RedisTransportError("No reply within 10 ms.", { isRetryable: false });
        }
        return client.command(command, options);
      },
      pipeline: (commands, options) => client.pipeline(commands, options),
      close: () => client.close(),
    },
    list: "mail",
    batchSize: 100,
    handler: () => undefined,
  });
  await door.redis.lpush("mail", ...repeated(300, small).map((size) => "x".repeat(size)));
  await drain.run();
  await drain.run();
  isSlow = false;
  const before = asked.length;
  const report = await drain.run();

  expect(asked.slice(0, before).filter((count) => count > 0)).toEqual([100, 50]);
  expect(asked.slice(before, before + 3)).toEqual([25, 50, 100]);
  expect(report).toMatchObject({ acked: 300, error: null });
});
