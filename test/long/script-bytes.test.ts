import { expect, it } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { createDrain, type Drain } from "../../src/index.ts";
import { useClient, useRedisServer } from "../support/redis-under-test.ts";

const redis = useRedisServer();
const open = useClient(redis, (server) => ioredis({ url: server.url }));
const { door } = redis;

const scriptBytes = 1_048_576;
const bytes = 300_000;
const payloads = Array.from({ length: 12 }, (_, at) => `${at}`.padEnd(bytes, "x"));

interface Case {
  readonly what: string;
  fill(payload: string, at: number): Promise<unknown>;
  work(drain: Drain): Promise<unknown>;
  /** How many messages a command of a script reads. */
  reads(command: readonly string[]): number;
  readonly handled: readonly string[];
}

async function runs(drain: Drain): Promise<void> {
  let isDone = false;
  while (!isDone) {
    const { error, remaining, nextDueAt } = await drain.run();
    expect(error).toBeNull();
    isDone = remaining === 0 && nextDueAt === null;
  }
}

/** How many messages each script read at most. */
async function messagesRead(reads: Case["reads"], work: () => Promise<unknown>): Promise<number> {
  const scripts: number[] = [];
  const monitor = await door.redis.monitor();
  const ended = new Promise<void>((resolve) => {
    monitor.on("monitor", (_, command: string[], source: string) => {
      const name = command[0]?.toLowerCase();
      if (name === "echo") resolve();
      if (name?.startsWith("eval")) scripts.push(0);
      if (source === "lua") scripts.push((scripts.pop() as number) + reads(command));
    });
  });
  await work();
  await door.redis.echo("end");
  await ended;
  monitor.disconnect();
  return Math.max(...scripts);
}

const taken = (verb: "redrive" | "purge", handled: readonly string[]): Case => ({
  what: `dead letters to ${verb}`,
  fill: (payload, at) =>
    door.redis.lpush("{mail}:dead", `{"id":"d.1.${at}","attempts":1,"reason":"r"}\n${payload}`),
  work: async (drain) => {
    await drain.deadLetters[verb]({ filter: ({ id }) => Number(id.slice(4)) % 3 > 0 });
    await drain.deadLetters[verb]();
    await runs(drain);
  },
  reads: ([name, key, first, last]) =>
    name === "LRANGE" && key === "{mail}:dead" ? Number(last) - Number(first) + 1 : 0,
  handled,
});

const cases: Case[] = [
  {
    what: "due delayed messages",
    fill: (payload, at) => door.redis.zadd("{mail}:delayed", at, `d.1.${at}:${payload}`),
    work: runs,
    reads: ([name, , , , , , count]) => (name === "ZRANGEBYSCORE" ? Number(count) : 0),
    handled: payloads,
  },
  {
    what: "messages of expired leases",
    fill: async (payload, at) => {
      await door.redis.lpush(`{mail}:working:dead${at}.1`, payload);
      await door.redis.zadd("{mail}:leases", 1 + at, `dead${at}.1`);
    },
    work: runs,
    reads: ([name, key]) => (name === "LRANGE" && key?.startsWith("{mail}:working:dead") ? 1 : 0),
    handled: payloads,
  },
  taken("redrive", payloads),
  taken("purge", []),
];

it.each(cases)("one script reads a megabyte of what is large, and two messages: $what", async (one) => {
  await Promise.all(payloads.map(one.fill));
  const seen: string[] = [];
  const drain = createDrain({
    redis: open(),
    list: "mail",
    handler: ({ payload }) => void seen.push(payload),
  });

  const most = await messagesRead(one.reads, () => one.work(drain));

  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(scriptBytes / bytes + 2);
  expect(seen.sort()).toEqual([...one.handled].sort());
  expect(await door.everything()).toEqual({});
});
