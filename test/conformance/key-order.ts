import { describe, expect, it } from "vitest";
import { NonRetryableError, retry } from "../../src/index.ts";
import { commandsOfLooks } from "../support/looks.ts";
import { keyedSetup } from "./keyed.ts";
import { runMortal } from "./mortal.ts";
import { list, type Setup } from "./setup.ts";

/** `order: { byKey }`: messages of one key in their order and never two at once, whatever happens. */
export function keyOrderSuite(setup: Setup): void {
  const { door, make, produce } = setup;
  const { path, keyed, mixed, of, inOrder, makeLinesDue, watching } = keyedSetup(setup);

  describe("order by key", () => {
    it("runs messages of one key one after the other, those of others beside them, and leaves no key behind", async () => {
      await produce(...mixed("abc", 12));
      const { seen, overlaps, handler } = watching();
      const report = await keyed({ handler, batchSize: 10 }).run();
      expect(report).toMatchObject({ claimed: 36, acked: 36, stopped: "empty", remaining: 0, error: null });
      for (const key of "abc") expect(of(key, seen)).toEqual(inOrder(key, 12));
      expect(overlaps).toEqual([]);
      expect(await door.everything()).toEqual({});
    });

    it("leaves no key behind where a batch takes the last of a line and its drain leaves then", async () => {
      await produce(...mixed("a", 3));
      let failures = 0;
      const { handler } = watching(() => {
        if (failures++ === 0) throw new Error("not yet");
      });
      const drain = keyed({ handler, batchSize: 3, retryDelay: () => 60_000 });
      await drain.run();
      for (let left = 3; left > 0; left--) {
        await makeLinesDue();
        expect(await keyed({ handler, batchSize: 1 }).run({ maxMessages: 1 })).toMatchObject({ acked: 1 });
      }
      expect(await door.everything()).toEqual({});
    });

    it("lets others go on where a message failed, and runs what is behind it after it", async () => {
      await produce(...mixed("ab", 8));
      let failures = 0;
      const { seen, handler } = watching((name) => {
        if (name === "a2" && failures++ < 2) throw new Error("not yet");
      });
      const drain = keyed({ handler, batchSize: 6, retryDelay: () => 60_000 });
      const before = await door.now();
      const report = await drain.run();
      expect(report).toMatchObject({ stopped: "empty", acked: 10, retried: 1, error: null });
      expect(report.nextDueAt).toBeGreaterThanOrEqual(before + 60_000);
      expect(of("b", seen)).toEqual(inOrder("b", 8));
      expect(await drain.stats()).toMatchObject({ list: 0, delayed: 0, parked: 6, parkedKeys: 1 });

      await makeLinesDue();
      expect(await drain.run()).toMatchObject({ retried: 1, acked: 0 });
      await makeLinesDue();
      expect(await drain.run()).toMatchObject({ stopped: "empty", acked: 6, remaining: 0 });
      expect(of("a", seen)).toEqual(["a0", "a1", "a2", "a2", "a2", "a3", "a4", "a5", "a6", "a7"]);
      expect(await door.everything()).toEqual({});
    });

    it("counts attempts of a message that waits in its line, up to the dead letter; then the line goes on", async () => {
      await produce(...mixed("a", 3));
      const attempts: number[] = [];
      const { handler } = watching((name, { attempt }) => {
        if (name !== "a0") return;
        attempts.push(attempt);
        throw new Error("never");
      });
      const drain = keyed({ handler, maxAttempts: 3, retryDelay: () => 0 });
      for (let run = 0; run < 5; run++) await drain.run();
      expect(attempts).toEqual([1, 2, 3]);
      expect(await drain.stats()).toMatchObject({ dead: 1, parked: 0, list: 0 });
      expect(Object.keys(await door.everything())).toEqual([`{${list}}:dead`]);
    });

    it("keeps drains that run side by side off each other's keys", async () => {
      await produce(...mixed("abcde", 40));
      const { seen, overlaps, handler } = watching((name, { attempt }) =>
        Number(name.slice(1)) % 13 === 5 && attempt < 3 ? retry({ afterMs: 1 }) : undefined,
      );
      const drain = () => keyed({ handler, batchSize: 7, maxConcurrency: 4 });
      for (let left = 1; left > 0; ) {
        await Promise.all([drain().run(), drain().run(), drain().run(), drain().run()]);
        const { list: waiting, parked, working } = await drain().stats();
        left = waiting + parked + working;
      }
      expect(overlaps).toEqual([]);
      for (const key of "abcde") expect([...new Set(of(key, seen))]).toEqual(inOrder(key, 40));
      expect(await drain().run()).toMatchObject({ stopped: "empty" });
      expect(await door.everything()).toEqual({});
    });

    it("returns what a dead drain held to the front of its lines", async () => {
      await produce(...mixed("ab", 6));
      const dying = keyed({ batchSize: 8, handler: () => new Promise<undefined>(() => undefined) });
      void dying.run({ budgetMs: 60_000 });
      while ((await door.redis.zcard(`{${list}}:leases`)) === 0)
        await new Promise((done) => setTimeout(done, 5));
      // Another drain parks what comes meanwhile behind it.
      const { seen, handler } = watching();
      await keyed({ handler, maxConcurrency: 2 }).run();
      expect(seen).toEqual([]);
      await door.expireLeases(list);
      const reports = [await keyed({ handler, maxConcurrency: 2 }).run()];
      await makeLinesDue();
      reports.push(await keyed({ handler, maxConcurrency: 2 }).run());
      expect(reports[0]).toMatchObject({ recovered: 8 });
      for (const key of "ab") expect(of(key, seen)).toEqual(inOrder(key, 6));
      expect(await door.everything()).toEqual({});
    });

    it.each([path, "strict" as const])(
      "makes no dead letter of what a dead drain held behind another that comes back (order %j)",
      async (order) => {
        await produce(...mixed("a", 2));
        const first = watching((name) => {
          throw name === "a0" ? new NonRetryableError("no") : new Error("not yet");
        });
        const options = { order, maxAttempts: 2, retryDelay: () => 60_000 } as const;
        await make({ ...options, handler: first.handler }).run();
        await make({ order }).deadLetters.redrive();
        const endWaits = async () => {
          await makeLinesDue();
          await door.redis.del(`{${list}}:held`);
        };
        await endWaits();
        // The message behind is at its last attempt, the one in front at its first.
        expect(await runMortal(setup, () => true, { ...options, batchSize: 2 })).toBe("died");
        const { seen, handler } = watching();
        for (let run = 0; run < 3; run++) {
          await endWaits();
          await make({ ...options, handler }).run();
        }
        expect(seen).toEqual(inOrder("a", 2));
        expect(await door.everything()).toEqual({});
      },
    );

    it("parks no more than parkedMax: then the list waits, while other keys that are due go on", async () => {
      await produce(...mixed("a", 30));
      const { seen, handler } = watching((name) =>
        name === "a3" && seen.length < 5 ? retry({ afterMs: 60_000 }) : undefined,
      );
      const drain = keyed({ handler, batchSize: 5, order: { byKey: "k", parkedMax: 10 } });
      const report = await drain.run();
      expect(report).toMatchObject({ stopped: "held", acked: 3, retried: 1 });
      expect(report.nextDueAt).toBeGreaterThan(await door.now());
      expect((await drain.stats()).parked).toBeLessThanOrEqual(10);
      for (let run = 0; run < 10; run++) {
        await makeLinesDue();
        await drain.run();
      }
      expect([...new Set(seen)]).toEqual(inOrder("a", 30));
      expect(await door.everything()).toEqual({});
    });

    it("takes a redriven message before what waits in its line, or in the list", async () => {
      await produce(...mixed("ab", 4));
      const { handler } = watching((name) => {
        if (/a0|b0|b1/.test(name)) throw new NonRetryableError("no");
        if (name === "a1") throw new Error("not yet");
      });
      await keyed({ handler, batchSize: 5, retryDelay: () => 60_000 }).run({ maxMessages: 5 });
      expect(await keyed().stats()).toMatchObject({ dead: 3 });
      expect(await keyed().deadLetters.redrive()).toEqual({ redriven: 3 });
      const rest = watching();
      await keyed({ handler: rest.handler }).run();
      for (const key of "ab") expect(of(key, rest.seen)).toEqual(inOrder(key, 4));
      expect(await door.everything()).toEqual({});
    });

    it.each([{}, { messages: 1_000, windowMs: 60_000 }])(
      "takes what is redriven while a lone drain is at work before what comes later, with the limit %j",
      async (rest) => {
        await produce(...mixed("ab", 6));
        const drain = keyed({ batchSize: 2 });
        if (rest.messages) await drain.limits.set(rest);
        const { seen, handler } = watching(async (name, { attempt }) => {
          if (name === "a0" && seen.length < 2) throw new NonRetryableError(`no, at attempt ${attempt}`);
          // Its batch is acknowledged by a turn that does not look around.
          if (name === "b2") expect(await drain.deadLetters.redrive()).toEqual({ redriven: 1 });
        });
        await keyed({ handler, batchSize: 2, prefetch: 0, concurrency: 1 }).run();
        expect(of("a", seen)).toEqual(["a0", "a1", "a2", "a0", "a3", "a4", "a5"]);
        expect(of("b", seen)).toEqual(inOrder("b", 6));
      },
    );

    it("takes what is redriven while a lone drain is at its last messages", async () => {
      await produce(...mixed("a", 4));
      const { seen, handler } = watching(async (name) => {
        if (name === "a0" && seen.length < 2) throw new NonRetryableError("no");
        if (name === "a3") expect(await drain.deadLetters.redrive()).toEqual({ redriven: 1 });
      });
      const drain = keyed({ handler, batchSize: 2 });
      expect(await drain.run()).toMatchObject({ stopped: "empty", remaining: 0 });
      expect(seen).toEqual([...inOrder("a", 4), "a0"]);
      expect(await door.everything()).toEqual({});
    });

    it("gives back what has not begun in its order", async () => {
      await produce(...mixed("ab", 6));
      const controller = new AbortController();
      const { seen, handler } = watching((name) => void (name === "a2" && controller.abort()));
      await keyed({ handler, batchSize: 12 }).run({ signal: controller.signal });
      const rest = watching();
      expect(await keyed({ handler: rest.handler }).run()).toMatchObject({ stopped: "empty" });
      for (const key of "ab")
        expect([...new Set([...of(key, seen), ...of(key, rest.seen)])]).toEqual(inOrder(key, 6));
      expect(await door.everything()).toEqual({});
    });

    it.each([1, 2, 3, 4, 5])(
      "keeps the order where request %d is lost, its reply is, or it comes twice",
      async (at) => {
        for (const fault of ["lose-request", "lose-reply", "double"] as const) {
          await produce(...mixed("ab", 9));
          const failed = new Set<string>();
          const { seen, overlaps, handler } = watching((name) => {
            if (!/1|5/.test(name) || failed.has(name)) return;
            failed.add(name);
            throw new Error("once");
          });
          const redis = setup.faulty((index) => (index === at ? fault : "none"));
          const drain = keyed({ redis, handler, batchSize: 4, retryDelay: () => 0 });
          await drain.run();
          await drain.run();
          expect(overlaps).toEqual([]);
          for (const key of "ab") expect([...new Set(of(key, seen))]).toEqual(inOrder(key, 9));
          expect(await door.everything()).toEqual({});
        }
      },
    );

    it("costs no request and at most four commands more a batch where nothing is parked", async () => {
      const payloads = mixed("abcdefghij", 200);
      const costOf = async (order: "fifo" | typeof path) => {
        await produce(...payloads);
        await make({ order }).run({ maxMessages: 1 });
        await door.resetCommandCount();
        const report = await make({ order, batchSize: 100, prefetch: 0 }).run();
        const { requests, commands, acked } = report;
        expect(await door.commandCount()).toBe(commands);
        return { requests, commands, acked, looks: commandsOfLooks(report) };
      };
      const fifo = await costOf("fifo");
      const ordered = await costOf(path);
      expect(ordered.acked).toBe(fifo.acked);
      // One more, before it has been shown anything.
      expect(ordered.requests).toBeLessThanOrEqual(fifo.requests + 1);
      expect((ordered.commands - ordered.looks - fifo.commands) / 20).toBeLessThanOrEqual(4);
    });
  });
}
