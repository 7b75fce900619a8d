import { Redis } from "ioredis";
import { ioredis } from "../adapters/redis/ioredis.ts";
import { createDrain, type DrainOptions } from "../src/index.ts";

/** A state of a list, and what is done with it: which script blocks Redis longest, and for how long. */
interface Case {
  readonly under: string;
  readonly what: string;
  fill(redis: Redis): Promise<void>;
  work(url: string): Promise<void>;
}

const list = "mail";
const numbered = (count: number, make: (at: number) => string): string[] =>
  Array.from({ length: count }, (_, at) => make(at));

async function push(redis: Redis, key: string, values: readonly string[]): Promise<void> {
  for (let at = 0; at < values.length; at += 1_000) await redis.lpush(key, ...values.slice(at, at + 1_000));
}

/** Runs drains until nothing waits; `budgetMs` bounds those that would take too long. */
async function drainAll(url: string, options: Partial<DrainOptions<never>>): Promise<void> {
  const redis = ioredis({ url });
  const drain = createDrain({
    redis,
    list,
    brake: false,
    requestTimeoutMs: 60_000,
    retryDelay: () => 0,
    handler: () => undefined,
    ...options,
  } as DrainOptions<never>);
  for (let run = 0; run < 1_000; run++) {
    const { remaining, nextDueAt, error } = await drain.run({ budgetMs: 60_000 });
    if (error) throw error;
    if (remaining === 0 && nextDueAt === null) break;
  }
  await drain.close();
  await redis.close?.();
}

const failingOnce = (count: number, payload: (at: number) => string, what: string): Case => ({
  under: `${what}, each failing once`,
  what: count.toLocaleString("en"),
  fill: (redis) => push(redis, list, numbered(count, payload)),
  work: (url) =>
    drainAll(url, {
      batchSize: 1_000,
      handler: ({ attempt }: { attempt: number }) => {
        if (attempt === 1) throw new Error("no");
      },
    } as never),
});

const large = "x".repeat(5 * 1_024 * 1_024);

const expired = (count: number, payload = "", what = ""): Case => ({
  under: `expired leases of one message${what}, all dead letters`,
  what: count.toLocaleString("en"),
  fill: async (redis) => {
    for (let at = 0; at < count; at += 1_000) {
      const pipeline = redis.pipeline();
      for (let one = at; one < Math.min(count, at + 1_000); one++) {
        pipeline.lpush(`{${list}}:working:dead${one}.1`, `m${one}${payload}`);
        pipeline.zadd(`{${list}}:leases`, 1_000 + one, `dead${one}.1`);
      }
      await pipeline.exec();
    }
  },
  work: (url) => drainAll(url, { maxAttempts: 1 }),
});

const redriven = (count: number, payload = "x".repeat(100), what = ""): Case => ({
  under: `dead letters${what}, every tenth redriven`,
  what: count.toLocaleString("en"),
  fill: (redis) =>
    push(
      redis,
      `{${list}}:dead`,
      numbered(count, (at) => `{"id":"d.${at}.1","attempts":1,"reason":"r${at % 10}"}\n${payload}${at}`),
    ),
  work: async (url) => {
    const redis = ioredis({ url });
    const drain = createDrain({ redis, list, handler: () => undefined });
    await drain.deadLetters.redrive({ filter: ({ reason }) => reason === "r0" });
    await drain.close();
    await redis.close?.();
  },
});

const sized = (count: number, bytes: number, what: string, before = 0, after = 0): Case => ({
  under: `claims: ${what}`,
  what: (before + count + after).toLocaleString("en"),
  fill: async (redis) => {
    await push(
      redis,
      list,
      numbered(before, (at) => `m${at}`),
    );
    for (let at = 0; at < count; at++) await redis.lpush(list, `${at}${large.slice(0, bytes)}`);
    await push(
      redis,
      list,
      numbered(after, (at) => `n${at}`),
    );
  },
  work: (url) => drainAll(url, { batchSize: 100 }),
});

const cases = (isQuick: boolean): Case[] => [
  ...(isQuick ? [1_000] : [1_000, 10_000, 100_000]).flatMap((count) => [
    failingOnce(count, () => "tick", "equal payloads"),
    failingOnce(count, (at) => `tick ${at}`, "different payloads"),
  ]),
  ...(isQuick ? [1_000] : [1_000, 100_000]).flatMap((count) => [expired(count), redriven(count)]),
  sized(1_000, 1_024, "1 KB"),
  sized(isQuick ? 20 : 100, large.length, "5 MB"),
  sized(isQuick ? 5 : 20, large.length, "10 bytes, then 5 MB", 150),
  sized(isQuick ? 5 : 20, large.length, "10 bytes, and 5 MB hidden between", 150, 250),
  expired(isQuick ? 5 : 50, large, " of 5 MB"),
  redriven(isQuick ? 5 : 50, large, " of 5 MB"),
];

/** Puts a Redis into each state, and reads from its slow log how long its longest script took there, µs. */
export async function longestScripts(
  url: string,
  isQuick: boolean,
  tell: (under: string, what: string, us: number, count: number) => void,
): Promise<void> {
  const redis = new Redis(url, { protocol: 2 });
  await redis.config("SET", "slowlog-max-len", "100000");
  for (const one of cases(isQuick)) {
    await redis.flushall();
    await one.fill(redis);
    // The log has the commands inside scripts too: those are quick, and would push the scripts out of it.
    await redis.config("SET", "slowlog-log-slower-than", "500");
    await redis.slowlog("RESET");
    await redis.config("RESETSTAT");
    await one.work(url);
    await redis.config("SET", "slowlog-log-slower-than", "-1");
    const entries = (await redis.slowlog("GET", 100_000)) as [number, number, number, string[]][];
    const scripts = entries.filter(([, , , [name]]) => /^eval/i.test(name ?? "")).map(([, , us]) => us);
    const stats = (await redis.info("commandstats")).matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm);
    const count = [...stats].reduce((sum, [, calls]) => sum + Number(calls), 0);
    tell(one.under, one.what, Math.max(500, ...scripts), count);
  }
  await redis.flushall();
  redis.disconnect();
}
