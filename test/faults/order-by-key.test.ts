import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import {
  createDrain,
  deadLetter,
  type HandlerOutcome,
  type Message,
  type RedisClient,
  release,
  retry,
} from "../../src/index.ts";
import { useRedisServer } from "../support/redis-under-test.ts";

const { door, server } = useRedisServer();
const list = "mail";
let redis: RedisClient;
beforeAll(() => {
  redis = ioredis({ url: server().url });
});
afterAll(() => redis.close());

/** What the handler says of a message, attempt by attempt; add yours. In the end all are done. */
const verdicts = {
  fail: () => {
    throw new Error("down");
  },
  release: () => release,
  retry: () => retry({ afterMs: 0 }),
  "dead letter": () => deadLetter("no"),
} satisfies Record<string, () => HandlerOutcome>;
type Verdict = keyof typeof verdicts;

const messages = fc.array(
  fc.record({
    key: fc.constantFrom("a", "b", "c", null),
    verdicts: fc.array(fc.constantFrom(...(Object.keys(verdicts) as Verdict[])), { maxLength: 3 }),
    yields: fc.nat(3),
  }),
  { minLength: 1, maxLength: 40 },
);
const drains = fc.array(
  fc.record({
    batchSize: fc.constantFrom(1, 2, 5, 20),
    concurrency: fc.constantFrom(1, 4),
    parkedMax: fc.constantFrom(1, 5, 10_000),
    maxMessages: fc.constantFrom(3, 1_000),
  }),
  { minLength: 1, maxLength: 4 },
);

it("no message of a key begins before all that came before it are done, whatever they say and however many drain", async () => {
  const holds = fc.asyncProperty(messages, drains, async (given, makes) => {
    await door.redis.flushall();
    await door.redis.lpush(list, ...given.map(({ key }, at) => JSON.stringify({ key, at })));
    const left = given.map((message) => [...message.verdicts]);
    /** Of each key, the places of its messages that are not done, in order. */
    const open = new Map<string, number[]>();
    for (const [at, { key }] of given.entries()) if (key) open.set(key, [...(open.get(key) ?? []), at]);
    const running = new Set<string>();
    const faults: string[] = [];
    const ended: number[] = [];
    const handler = async ({ value }: Message<unknown>): Promise<HandlerOutcome | undefined> => {
      const { key, at } = value as { key: string | null; at: number };
      if (key && running.has(key)) faults.push(`${at} runs beside another of ${key}`);
      if (key && open.get(key)?.[0] !== at) faults.push(`${at} runs before ${open.get(key)} of ${key}`);
      if (key) running.add(key);
      for (let turn = given[at]?.yields ?? 0; turn > 0; turn--) await new Promise(setImmediate);
      if (key) running.delete(key);
      const verdict = left[at]?.shift();
      if (!verdict || verdict === "dead letter") {
        ended.push(at);
        if (key) open.get(key)?.shift();
      }
      return verdict && verdicts[verdict]();
    };
    const made = makes.map(({ maxMessages, parkedMax, ...options }) => {
      const order = { byKey: "key", parkedMax };
      const common = { redis, list, handler, order, maxConcurrency: makes.length, maxAttempts: 100 };
      const drain = createDrain({ ...common, ...options, brake: false, retryDelay: () => 0 });
      return async () => {
        while (ended.length < given.length && faults.length === 0) {
          const { error } = await drain.run({ maxMessages });
          if (error) throw error;
        }
      };
    });
    await Promise.all(made.map((drainOn) => drainOn()));
    expect(faults).toEqual([]);
    expect(ended.sort((one, other) => one - other)).toEqual([...given.keys()]);
    const dead = given.filter((message) => message.verdicts.includes("dead letter")).length;
    expect(await door.redis.llen(`{${list}}:dead`)).toBe(dead);
    const rest = Object.keys(await door.everything()).filter((key) => key !== `{${list}}:dead`);
    expect(rest).toEqual([]);
  });
  await fc.assert(holds, { numRuns: 25, seed: 20_261_127 });
});
