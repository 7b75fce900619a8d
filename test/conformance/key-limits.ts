import { describe, expect, it } from "vitest";
import { keyedSetup } from "./keyed.ts";
import { list, type Setup } from "./setup.ts";

const hour = 3_600_000;

/** Limits of one key, with `order: { byKey }`: so many messages in a window, and so many at once, while others go on. */
export function keyLimitsSuite(setup: Setup): void {
  const { door, make, produce } = setup;
  const { keyed, limit, mixed, of, inOrder, makeLinesDue, watching } = keyedSetup(setup);
  const [control, rates] = [`{${list}}:control`, `{${list}}:rates`];
  /** Ends the window that runs, as the passing of time would. */
  const endWindow = async () => {
    await door.redis.del(rates);
    await makeLinesDue();
  };

  describe("a rate limit per key", () => {
    it("holds each key to its part of a window while others go on, and says when the next one begins", async () => {
      await produce(...mixed("a", 9), ...mixed("bc", 3));
      await limit({ messages: 4, windowMs: hour });
      const { seen, overlaps, handler } = watching();
      const before = await door.now();
      const report = await keyed({ handler, batchSize: 3 }).run();
      expect(report).toMatchObject({ stopped: "rate-limited", acked: 10, remaining: 5, error: null });
      expect(report.nextDueAt).toBeGreaterThan(before + hour);
      expect(report.nextDueAt).toBeLessThanOrEqual((await door.now()) + hour + 1);
      expect(await keyed().stats()).toMatchObject({ list: 0, parked: 5, parkedKeys: 1 });
      expect(await keyed({ handler }).run()).toMatchObject({ stopped: "rate-limited", claimed: 0 });

      await endWindow();
      expect(await keyed({ handler }).run()).toMatchObject({ stopped: "rate-limited", acked: 4 });
      await endWindow();
      expect(await keyed({ handler }).run()).toMatchObject({ stopped: "empty", acked: 1, remaining: 0 });
      expect(of("a", seen)).toEqual(inOrder("a", 9));
      expect(overlaps).toEqual([]);
      // What is left ends with the window.
      expect(Object.keys(await door.everything()).sort()).toEqual([control, rates]);
      expect(await door.redis.pttl(rates)).toBeGreaterThan(0);
    });

    it("holds over all drains, which together give each key all of it", async () => {
      await produce(...mixed("abcde", 30));
      await limit({ messages: 7, windowMs: hour });
      const { seen, overlaps, handler } = watching();
      for (let window = 1; window <= 2; window++) {
        for (let left = 1; left > 0; ) {
          const drains = Array.from({ length: 4 }, () => keyed({ handler, batchSize: 6, maxConcurrency: 4 }));
          const reports = await Promise.all(drains.map((drain) => drain.run()));
          left = reports.reduce((sum, { claimed }) => sum + claimed, 0);
        }
        for (const key of "abcde") expect(of(key, seen)).toEqual(inOrder(key, 7 * window));
        await endWindow();
      }
      expect(overlaps).toEqual([]);
    });

    it("stands beside a limit of the list", async () => {
      await produce(...mixed("ab", 5));
      await limit({ messages: 3, windowMs: hour }, { messages: 4, windowMs: hour });
      const { seen, handler } = watching();
      expect(await keyed({ handler }).run()).toMatchObject({ stopped: "rate-limited", acked: 4 });
      await door.redis.hset(control, "endsAt", 1);
      expect(await keyed({ handler }).run()).toMatchObject({ stopped: "rate-limited", acked: 2 });
      for (const key of "ab") expect(of(key, seen)).toEqual(inOrder(key, 3));
    });

    it("says so, and not that the list is held, where a key that has had its part fills the line", async () => {
      await produce(...mixed("a", 30));
      await limit({ messages: 2, windowMs: hour });
      const { seen, handler } = watching();
      const drain = keyed({ handler, batchSize: 5, order: { byKey: "k", parkedMax: 10 } });
      const report = await drain.run();
      expect(report).toMatchObject({ stopped: "rate-limited", acked: 2, nextDueAt: expect.any(Number) });
      expect(await drain.stats()).toMatchObject({ list: 18, parked: 10 });
      for (let window = 0; window < 14; window++) {
        await endWindow();
        await drain.run();
      }
      expect(seen).toEqual(inOrder("a", 30));
    });

    it("counts each attempt, and keeps the order of a key whose first message fails", async () => {
      await produce(...mixed("a", 4));
      await limit({ messages: 3, windowMs: hour });
      let failures = 0;
      const { seen, handler } = watching((name) => {
        if (name === "a0" && failures++ < 2) throw new Error("not yet");
      });
      const drain = keyed({ handler, retryDelay: () => 0, batchSize: 1 });
      for (let run = 0; run < 5; run++) await drain.run();
      expect(seen).toEqual(["a0", "a0", "a0"]);
      await endWindow();
      await drain.run();
      expect(seen.slice(3)).toEqual(["a1", "a2", "a3"]);
    });

    it("holds no message without a key", async () => {
      await produce(...Array.from({ length: 9 }, () => "{}"));
      await limit({ messages: 1, windowMs: hour });
      expect(await keyed().run()).toMatchObject({ acked: 9, stopped: "empty" });
    });

    it("gives every key of more than one look may see its turn", async () => {
      const keys = Array.from({ length: 250 }, (_, k) => k);
      await produce(...keys.flatMap((k) => [0, 1, 2].map((n) => JSON.stringify({ k, n }))));
      await limit({ messages: 1, windowMs: hour });
      const seen = new Map<number, number>();
      const handler = ({ value }: { value: unknown }) => {
        const { k } = value as { k: number };
        seen.set(k, (seen.get(k) ?? 0) + 1);
      };
      for (let window = 1; window <= 3; window++) {
        const report = await make({ order: { byKey: "k" }, handler: handler as never }).run();
        expect(report.acked).toBe(250);
        expect([...new Set(seen.values())]).toEqual([window]);
        await endWindow();
      }
    });

    it("has a timer go on when the next window begins", async () => {
      await produce(...mixed("a", 3));
      await limit({ messages: 2, windowMs: hour });
      const waits: number[] = [];
      const continuation = {
        name: "timer",
        invoke: async () => null,
        invokeLater: async ({ inMs }: { inMs: number }) => {
          waits.push(inMs);
          return null;
        },
      };
      await keyed({ continuation }).run();
      expect(waits).toEqual([expect.closeTo(hour, -5)]);
    });

    it.each([1, 2, 3, 4])(
      "counts a claim once where request %d is lost, its reply is, or it comes twice",
      async (at) => {
        for (const fault of ["lose-request", "lose-reply", "double"] as const) {
          await produce(...mixed("ab", 9));
          await limit({ messages: 5, windowMs: hour });
          const { seen, handler } = watching();
          const redis = setup.faulty((index) => (index === at ? fault : "none"));
          const drain = keyed({ redis, handler, batchSize: 4 });
          await drain.run();
          await drain.run();
          for (const key of "ab") expect(of(key, seen)).toEqual(inOrder(key, 5));
          await door.redis.flushall();
        }
      },
    );

    it("costs no request and at most four commands more a batch", async () => {
      const payloads = mixed("abcdefghij", 200);
      const costOf = async () => {
        await produce(...payloads);
        // A lone drain without a limit looks around once a second only.
        const drain = keyed({ batchSize: 100, maxConcurrency: 2 });
        await drain.run({ maxMessages: 1 });
        await door.resetCommandCount();
        const { requests, commands, acked } = await drain.run();
        expect(await door.commandCount()).toBe(commands);
        return { requests, commands, acked };
      };
      const without = await costOf();
      await limit({ messages: 1_000, windowMs: hour, inFlight: 1_000 });
      const limited = await costOf();
      expect(limited).toMatchObject({ acked: without.acked, requests: without.requests });
      expect((limited.commands - without.commands) / 20).toBeLessThanOrEqual(4);
    });
  });

  describe("a limit of what one key has in flight", () => {
    it("keeps a batch from being all of one key, so that a key with few messages does not wait for one with many", async () => {
      await produce(...mixed("a", 300), ...mixed("b", 3));
      const { seen, overlaps, handler } = watching();
      await limit({ inFlight: 2 });
      const report = await keyed({ handler, batchSize: 20 }).run();
      expect(report).toMatchObject({ stopped: "empty", acked: 303, error: null });
      expect(seen.indexOf("b2")).toBeLessThan(60);
      expect(of("a", seen)).toEqual(inOrder("a", 300));
      expect(overlaps).toEqual([]);
    });

    it("takes keys in turn, however many messages each has", async () => {
      await produce(...mixed("a", 100), ...mixed("b", 20), ...mixed("c", 20));
      await limit({ messages: 1, windowMs: hour });
      await keyed().run();
      await limit({ inFlight: 1 });
      // Lines that are due in the same millisecond have no order, so each message takes until the next one.
      const { seen, handler } = watching(async () => {
        const now = await door.now();
        while ((await door.now()) <= now);
      });
      await keyed({ handler, batchSize: 2 }).run({ maxMessages: 30 });
      for (const key of "abc") expect(of(key, seen).length).toBeGreaterThanOrEqual(5);
    });
  });
}
