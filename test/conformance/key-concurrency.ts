import { describe, expect, it } from "vitest";
import { byKey, type KeyOrder, type Message, OptionError, retry } from "../../src/index.ts";
import { keyedSetup } from "./keyed.ts";
import { list, type Setup } from "./setup.ts";

/** `order: { byKey, concurrency }`: keys that only bound each other, and keep no order. */
export function keyConcurrencySuite(setup: Setup): void {
  const { door, make, produce } = setup;
  const { mixed, nameOf, of, inOrder, makeLinesDue } = keyedSetup(setup);
  const loose = (options: Parameters<Setup["make"]>[0] = {}, concurrency = 3) =>
    make({ order: { byKey: "k", concurrency }, concurrency: 20, ...options });

  /** A handler that says what it sees, and how many messages of each key have run at once at most. */
  const counting = (decide: (name: string) => unknown = () => undefined) => {
    const seen: string[] = [];
    const [running, most] = [new Map<string, number>(), new Map<string, number>()];
    const handler = async ({ payload }: Message) => {
      const name = nameOf(payload);
      const key = name.slice(0, 1);
      const count = (running.get(key) ?? 0) + 1;
      running.set(key, count);
      most.set(key, Math.max(count, most.get(key) ?? 0));
      await new Promise(setImmediate);
      running.set(key, (running.get(key) as number) - 1);
      seen.push(name);
      return (await decide(name)) as undefined;
    };
    return { seen, most, handler };
  };

  describe("a concurrency per key", () => {
    it("is how many messages of a key run at once, beside those of others, and leaves no key behind", async () => {
      await produce(...mixed("ab", 20), ...mixed("c", 2));
      const { seen, most, handler } = counting();
      const report = await loose({ handler, batchSize: 50 }).run();
      expect(report).toMatchObject({ acked: 42, stopped: "empty", remaining: 0, error: null });
      expect(Object.fromEntries(most)).toEqual({ a: 3, b: 3, c: 2 });
      for (const key of "ab") expect(of(key, seen).sort()).toEqual(inOrder(key, 20).sort());
      expect(await door.everything()).toEqual({});
    });

    it("lets no key take all handlers", async () => {
      await produce(...mixed("a", 10), ...mixed("b", 2));
      const { seen, handler } = counting();
      await loose({ handler, batchSize: 12, concurrency: 4 }, 4).run();
      expect(seen.slice(0, 4)).toEqual(expect.arrayContaining(["b0", "b1"]));
    });

    it("is one over all drains", async () => {
      await produce(...mixed("abc", 40));
      const { seen, most, handler } = counting((name) =>
        /7$/.test(name) && seen.filter((one) => one === name).length < 2 ? retry({ afterMs: 0 }) : undefined,
      );
      const drains = Array.from({ length: 4 }, () => loose({ handler, batchSize: 7, maxConcurrency: 4 }));
      for (let left = 1; left > 0; ) {
        await Promise.all(drains.map((drain) => drain.run()));
        await makeLinesDue();
        const stats = await loose().stats();
        left = stats.list + stats.parked + stats.working + stats.delayed;
      }
      for (const key of "abc") expect([...new Set(of(key, seen))].sort()).toEqual(inOrder(key, 40).sort());
      for (const count of most.values()) expect(count).toBeLessThanOrEqual(3);
    });

    it("lets messages go on beside one that failed, which comes later", async () => {
      await produce(...mixed("a", 6));
      let failures = 0;
      const { seen, handler } = counting((name) => {
        if (name === "a0" && failures++ === 0) throw new Error("not yet");
      });
      const drain = loose({ handler, batchSize: 2, retryDelay: () => 60_000 });
      expect(await drain.run()).toMatchObject({ acked: 5, retried: 1, stopped: "empty" });
      expect(await drain.stats()).toMatchObject({ delayed: 1, parked: 0 });
      await door.makeDue(list);
      expect(await drain.run()).toMatchObject({ acked: 1, stopped: "empty" });
      expect(seen.filter((name) => name === "a0")).toHaveLength(2);
      expect(await door.everything()).toEqual({});
    });

    it("goes with limits per key", async () => {
      await produce(...mixed("a", 50), ...mixed("b", 4));
      const { seen, most, handler } = counting();
      await loose().limits.set({ perKey: { messages: 10, windowMs: 3_600_000, inFlight: 5 } });
      expect(await loose({ handler, batchSize: 20 }).run()).toMatchObject({
        stopped: "rate-limited",
        acked: 14,
      });
      expect(of("a", seen)).toHaveLength(10);
      expect(most.get("a")).toBe(3);
    });

    it("loses nothing where the drain that holds its keys dies", async () => {
      await produce(...mixed("ab", 6));
      void loose({ batchSize: 8, handler: () => new Promise<undefined>(() => undefined) }).run({
        budgetMs: 60_000,
      });
      while ((await door.redis.zcard(`{${list}}:leases`)) === 0)
        await new Promise((done) => setTimeout(done, 5));
      await door.expireLeases(list);
      const { seen, handler } = counting();
      for (let run = 0; run < 2; run++) {
        await loose({ handler, maxConcurrency: 2 }).run();
        await makeLinesDue();
      }
      for (const key of "ab") expect(of(key, seen).sort()).toEqual(inOrder(key, 6));
      expect(await door.everything()).toEqual({});
    });

    it.each([0, -1, 1.5, 1e21, Number.NaN, "2", null, Promise.resolve(2)])(
      "is refused at construction where it is none: %s",
      (concurrency) => {
        const order = { byKey: "k", concurrency } as KeyOrder;
        expect(() => make({ order })).toThrow(OptionError);
        expect(() => byKey("k", { concurrency } as never)).toThrow(OptionError);
      },
    );
  });
}
