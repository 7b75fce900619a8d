import { describe, expect, it } from "vitest";
import {
  type Continuation,
  type Drain,
  type EveryDrainOption,
  type NextDrain,
  scaleOut,
  shardOf,
} from "../../src/index.ts";
import { reshardingSuite } from "./resharding.ts";
import { list, numbered } from "./setup.ts";
import { type ShardsUnderTest, shardsSetup } from "./shards-setup.ts";

/** What a list with shards promises, whichever server each of them is on. */
export function shardsSuite(under: ShardsUnderTest): void {
  const { client, keys } = under;
  const { make, left } = shardsSetup(under);
  reshardingSuite(under);

  describe("a list with shards", () => {
    it("is spread evenly, and all of it is handled once, with what was pushed to any shard by other means", async () => {
      const handled: string[] = [];
      const drain = make(4, handled);
      expect(await drain.push(numbered(20))).toMatchObject({ pushed: 20, duplicates: [], length: 20 });
      expect((await keys()).filter((key) => key.endsWith("}")).sort()).toEqual(
        [0, 1, 2, 3].map((at) => `{${list}:${at}}`),
      );
      await client().command(["LPUSH", shardOf(list, "a customer", 4), "by a key"]);
      await client().command(["LPUSH", list, "to the list itself"]);
      expect(await drain.stats()).toMatchObject({ list: 22, working: 0 });
      expect(await drain.run()).toMatchObject({
        claimed: 22,
        acked: 22,
        remaining: 0,
        stopped: "empty",
        error: null,
      });
      expect(handled.toSorted()).toEqual([...numbered(20), "by a key", "to the list itself"].toSorted());
      expect(await left()).toEqual([]);
    });

    it("has others started by what all shards hold together, which end with it", async () => {
      const handled: string[] = [];
      const runs: Promise<unknown>[] = [];
      let live = 0;
      let mostLive = 0;
      const begin = async (chain: NextDrain["chain"]) => {
        live += 1;
        mostLive = Math.max(mostLive, live);
        const report = await drain.run({ chain });
        live -= 1;
        expect(report.error).toBeNull();
      };
      const drain: Drain = make(4, [], {
        // No shard by itself wants another drain.
        scaleOut: scaleOut({ withinMs: 500 }),
        maxConcurrency: 2,
        batchSize: 10,
        concurrency: 1,
        prefetch: 0,
        continuation: {
          name: "beside",
          invoke: async ({ chain }) => {
            runs.push(begin(chain));
            return null;
          },
        },
        handler: async (message: { payload: string }) => {
          handled.push(message.payload);
          await new Promise((resolve) => setTimeout(resolve, 10));
        },
      } as Partial<EveryDrainOption<never>>);
      await drain.push(numbered(160), { wake: false });
      const report = await drain.run();
      await Promise.all(runs);
      expect(report).toMatchObject({ error: null });
      expect(report.started).toBeGreaterThan(0);
      expect(mostLive).toBeGreaterThan(1);
      expect(handled.toSorted()).toEqual(numbered(160).toSorted());
      expect(await left()).toEqual([]);
    });

    it("is drained by the plain engine too", async () => {
      const handled: string[] = [];
      const drain = make(4, handled, { engine: "plain", batchSize: 3 });
      await drain.push(numbered(20), { wake: false });
      expect(await drain.run()).toMatchObject({ acked: 20, remaining: 0, stopped: "empty", error: null });
      expect(handled.toSorted()).toEqual(numbered(20).toSorted());
      await drain.push("fails", { wake: false });
      const failing = make(4, [], { engine: "plain", handler: () => Promise.reject(new Error("as told")) });
      expect(await failing.run()).toMatchObject({ retried: 1, error: null });
      expect(await drain.stats()).toMatchObject({ list: 0, working: 0, delayed: 1 });
    });

    it("knows an id among all messages without a key, and with one among those of its shard", async () => {
      const drain = make(4);
      const dedupe = { id: () => "one id", ttlMs: 60_000 };
      expect(await drain.push(["a", "b", "c"], { dedupe })).toMatchObject({ pushed: 1, duplicates: [1, 2] });
      const keyed = {
        dedupe: { ...dedupe, id: () => "another" },
        key: (message: unknown) => String(message),
      };
      const own = new Set(["a", "b", "c"].map((key) => shardOf(list, key, 4)));
      expect(own.size).toBeGreaterThan(1);
      expect(await drain.push(["a", "b", "c"], keyed)).toMatchObject({ pushed: own.size });
    });

    it("keeps the messages of one key in one shard, in their order, and finds what was pushed before by its id", async () => {
      const handled: string[] = [];
      const drain = make(4, handled, { concurrency: 1 });
      const messages = numbered(40).map((name, at) => `${at % 5}:${name}`);
      const key = (message: unknown): string => String(message).slice(0, 1);
      await drain.push(messages, { key });
      await drain.run();
      for (const of of ["0", "1", "2", "3", "4"]) {
        const own = (name: string): boolean => name.startsWith(of);
        expect(handled.filter(own)).toEqual(messages.filter(own));
      }
      const dedupe = { id: String, ttlMs: 60_000 };
      expect(await drain.push(numbered(8), { dedupe })).toMatchObject({ pushed: 8, duplicates: [] });
      expect(await drain.push(numbered(9), { dedupe })).toMatchObject({
        pushed: 1,
        duplicates: [0, 1, 2, 3, 4, 5, 6, 7],
      });
    });

    it("is drained by as many runs at once as there are shards, each message once", async () => {
      const handled: string[] = [];
      const drains = [0, 0.25, 0.5, 0.75].map((share) =>
        make(4, handled, { random: () => share, batchSize: 5, prefetch: 0 }),
      );
      await (drains[0] as Drain).push(numbered(200));
      const reports = await Promise.all(drains.map((drain) => drain.run()));
      expect(handled.toSorted()).toEqual(numbered(200).toSorted());
      expect(reports.every(({ acked }) => acked > 0)).toBe(true);
    });

    it("is given up to maxMessages in all, and each shard a share of the budget", async () => {
      const drain = make(4, [], { batchSize: 5, prefetch: 0 });
      await drain.push(numbered(40));
      expect(await drain.run({ maxMessages: 12 })).toMatchObject({
        claimed: 12,
        acked: 12,
        stopped: "limit",
      });
      expect(await drain.stats()).toMatchObject({ list: 28 });
      expect(await drain.run()).toMatchObject({ acked: 28, stopped: "empty" });
    });

    it("goes on by one continuation for all shards, in the name of the list", async () => {
      const invoked: NextDrain[] = [];
      const continuation: Continuation = {
        name: "recorded",
        invoke: async (next) => {
          invoked.push(next);
          return null;
        },
      };
      let spent = 0;
      const clock = { now: () => spent, after: () => () => undefined };
      // Each message takes more than its shard's share.
      const handler = (): void => {
        spent += 400;
      };
      const drain = make(4, [], { continuation, clock, handler, concurrency: 1, batchSize: 1, prefetch: 0 });
      expect(await drain.push(numbered(80))).toMatchObject({ woken: true });
      expect(invoked).toMatchObject([{ list }]);
      expect(await drain.wake()).toMatchObject({ woken: false });
      invoked.length = 0;
      const report = await drain.run({ budgetMs: 8_000, chain: { id: "chain", hop: 3 } });
      expect(report).toMatchObject({ stopped: "budget", continuedWith: "recorded", error: null });
      expect(invoked).toEqual([
        expect.objectContaining({ list, chain: expect.objectContaining({ id: "chain", hop: 4 }) }),
      ]);
    });

    it("has its dead letters, pauses and limits as one", async () => {
      const drain = make(2, [], {
        maxAttempts: 1,
        brake: false,
        handler: () => {
          throw new Error("no");
        },
      });
      await drain.push(numbered(6));
      expect(await drain.run()).toMatchObject({ deadLettered: 6, failures: [{ count: 6 }] });
      expect(await drain.deadLetters.count()).toBe(6);
      expect(await drain.deadLetters.list({ max: 4 })).toHaveLength(4);
      expect(await drain.deadLetters.redrive({ max: 5 })).toEqual({ redriven: 5 });
      expect(await drain.deadLetters.purge()).toEqual({ purged: 1 });
      await drain.pause();
      expect(await drain.stats()).toMatchObject({ list: 5, paused: true });
      expect(await drain.run()).toMatchObject({ claimed: 0, stopped: "paused" });
      await drain.resume();
      await drain.limits.set({ messages: 3, windowMs: 60_000 });
      expect(await drain.limits.get()).toEqual({ messages: 3, windowMs: 60_000 });
      expect(await drain.run()).toMatchObject({ claimed: 3, stopped: "rate-limited" });
      await expect(drain.limits.set({ messages: 1, windowMs: 1 })).rejects.toThrow(/each of 2 shards/);
      await drain.limits.set(null);
      expect(await drain.limits.get()).toBeNull();
      expect(await drain.run()).toMatchObject({ claimed: 2, stopped: "empty" });
    });

    it("shows the messages and the leases of all its shards", async () => {
      const drain = make(3);
      await drain.push(numbered(9));
      const found = await drain.peek({ count: 7 });
      expect(found).toHaveLength(7);
      expect(new Set(found.map((one) => one.list))).toEqual(
        new Set([0, 1, 2].map((at) => `{${list}:${at}}`)),
      );
      expect((await drain.peek({ count: 100 })).map(({ payload }) => payload).sort()).toEqual(numbered(9));
      await client().command(["ZADD", `{${list}:1}:leases`, 2_000, "b.1"]);
      await client().command(["ZADD", `{${list}:2}:leases`, 1_000, "a.1"]);
      expect(await drain.leases()).toMatchObject([
        { list: `{${list}:2}`, batch: "a.1" },
        { list: `{${list}:1}`, batch: "b.1" },
      ]);
      expect(await drain.leases({ max: 1 })).toMatchObject([{ batch: "a.1" }]);
    });

    it("recovers what a drain that died left in any shard", async () => {
      const handled: string[] = [];
      const drain = make(3, handled);
      await drain.push(numbered(3));
      for (let at = 0; at < 3; at++) {
        const base = `{${list}:${at}}`;
        await client().command(["RPOPLPUSH", base, `${base}:working:dead.1`]);
        await client().command(["ZADD", `${base}:leases`, 1, "dead.1"]);
      }
      expect(await drain.recover()).toMatchObject({ recovered: 3 });
      expect(await drain.run()).toMatchObject({ acked: 3 });
    });

    it("waits for a message in any shard", async () => {
      const drain = make(3);
      await drain.push("first");
      await drain.run();
      const waiting = drain.waitForMessage({ timeoutMs: 60_000 });
      await client().command(["LPUSH", `{${list}:2}`, "a"]);
      expect(await waiting).toBe(true);
      await drain.run();
      expect(await drain.waitForMessage({ timeoutMs: 20 })).toBe(false);
    });

    it("has one shard that fails keep no other from being drained, and the report has the error", async () => {
      const handled: string[] = [];
      const drain = make(4, handled);
      await drain.push(numbered(8));
      await client().command(["DEL", `{${list}:1}`]);
      await client().command(["SET", `{${list}:1}`, "no list"]);
      const report = await drain.run();
      expect(report).toMatchObject({ acked: 6, stopped: "error", error: { name: "RedisReplyError" } });
      expect(handled).toHaveLength(6);
    });

    it("is held as a list is while a strict order waits for a message, and goes on by its timer", async () => {
      const later: (NextDrain & { inMs: number })[] = [];
      const drain = make(2, [], {
        order: "strict",
        batchSize: 1,
        retryDelay: { baseMs: 60_000, maxMs: 60_000 },
        random: () => 0.9,
        handler: () => {
          throw new Error("no");
        },
        continuation: {
          name: "timer",
          invoke: async () => null,
          invokeLater: async (next) => {
            later.push(next);
            return null;
          },
        },
      });
      await drain.push(["a", "b"], { key: () => "one", wake: false });
      for (const claimed of [1, 0]) {
        const report = await drain.run();
        expect(report).toMatchObject({ claimed, stopped: "held", nextDueAt: expect.any(Number) });
        expect(report.continuedWith).toBe("timer");
        expect(later.pop()?.inMs).toBeGreaterThan(10_000);
      }
    });
  });
}
