import { afterEach, describe, expect, it } from "vitest";
import { type Drain, type EveryDrainOption, type Message, Overloaded } from "../../src/index.ts";
import { list, numbered, type Setup } from "./setup.ts";

/** The brake, the circuit breaker of a list: systemic failures cost no message its attempts. */
export function brakeSuite(setup: Setup): void {
  const { door, make, produce } = setup;

  describe("the brake", () => {
    const outage = { isOn: true };
    const seen: Message[] = [];
    const drainInOutage = (options: Partial<EveryDrainOption<never>> = {}): Drain =>
      make({
        batchSize: 20,
        brake: { after: 10 },
        handler: (message) => {
          seen.push(message);
          if (outage.isOn) throw new Error("down");
        },
        ...options,
      });
    const payloads = numbered(50);

    afterEach(() => {
      outage.isOn = true;
      seen.length = 0;
    });

    it("gives systemic failures back in their order, uncounted, and stops every drain", async () => {
      await produce(...payloads);

      const report = await drainInOutage().run();

      expect(report).toMatchObject({ claimed: 20, released: 20, retried: 0, stopped: "braked" });
      expect(report.nextDueAt).toBeGreaterThan(Date.now() - 60_000);
      expect((await drainInOutage().stats()).brakedUntil).toBe(report.nextDueAt);
      expect(await door.waiting(list)).toEqual(payloads);
      expect(await drainInOutage().run()).toMatchObject({ claimed: 0, stopped: "braked" });
      expect(seen).toHaveLength(20);
    });

    it.each<[string, (now: number) => Record<string, number | string>]>([
      ["begins in an hour", (now) => ({ since: now + 3_600_000, until: now + 3_601_000, pauses: 1 })],
      ["ends in a year", (now) => ({ since: now - 1_000, until: now + 31_536_000_000, pauses: 1 })],
      ["ends never", () => ({ since: "NaN", until: "1e400", pauses: "NaN" })],
      ["has texts in it", () => ({ since: "1", until: "soon", pauses: "many", probe: "?" })],
    ])("that %s, as a clock that stepped back or a hand leaves it, holds nothing", async (_, fieldsAt) => {
      await produce("a");
      await door.redis.hset(`{${list}}:brake`, fieldsAt(await door.now()));
      outage.isOn = false;
      expect(await drainInOutage().run()).toMatchObject({ acked: 1, stopped: "empty", error: null });
    });

    it("lets one message through after each pause, which doubles, and counts what fails then", async () => {
      await produce(...payloads);
      await drainInOutage().run();

      for (let probe = 0; probe < 4; probe++) {
        await door.endPause(list);
        const before = await door.now();
        const report = await drainInOutage().run();
        const after = await door.now();
        expect(report).toMatchObject({ claimed: 1, retried: 1, stopped: "braked" });
        const pauseMs = 2 ** (probe + 1) * 1_000;
        expect(report.nextDueAt).toBeGreaterThanOrEqual(before + pauseMs);
        expect(report.nextDueAt).toBeLessThanOrEqual(after + pauseMs);
      }

      expect(seen.slice(20).map((message) => message.payload)).toEqual(["m0", "m1", "m2", "m3"]);
    });

    it("is lifted by one success, and then all goes on, no attempt having been counted", async () => {
      await produce(...payloads);
      await drainInOutage().run();
      outage.isOn = false;
      seen.length = 0;
      await door.endPause(list);

      expect(await drainInOutage().run()).toMatchObject({ acked: 50, stopped: "empty" });
      expect((await drainInOutage().stats()).brakedUntil).toBeNull();

      expect(seen.map((message) => `${message.payload}${message.attempt}`)).toEqual(
        payloads.map((one) => `${one}1`),
      );
      expect(await door.everything()).toEqual({});
    });

    it("counts failures of different messages in a row over batches and drains, not one message failing often", async () => {
      await produce("a");
      const drain = drainInOutage({ batchSize: 1, maxAttempts: 100, retryDelay: () => 0 });
      for (let run = 0; run < 12; run++) {
        expect(await drain.run({ maxMessages: 1 })).toMatchObject({ retried: 1, stopped: "limit" });
        await door.makeDue(list);
      }

      await produce(...payloads);
      const reports = [];
      for (let run = 0; run < 10; run++)
        reports.push(await drainInOutage({ batchSize: 1, maxAttempts: 100 }).run({ maxMessages: 1 }));
      expect(reports.at(-1)).toMatchObject({ released: 1 });
      expect(reports.slice(0, -1).every((report) => report.retried === 1)).toBe(true);
    });

    it("leaves failures alone that come between successes", async () => {
      await produce(...payloads);
      let count = 0;
      const report = await make({
        handler: () => {
          count += 1;
          if (count % 2) throw new Error("no");
        },
      }).run();
      expect(report).toMatchObject({ acked: 25, retried: 25, released: 0, stopped: "empty" });
    });

    it("can be left out", async () => {
      await produce(...payloads);
      expect(await drainInOutage({ brake: false, retryDelay: () => 60_000 }).run()).toMatchObject({
        retried: 50,
        stopped: "empty",
      });
    });

    it("is pulled by Overloaded until the moment it says, uncounted", async () => {
      await produce("a", "b", "c");
      const untilMs = Date.now() + 500_000;
      const attempts: number[] = [];
      let isOver = true;
      const drain = make({
        handler: (message) => {
          attempts.push(message.attempt);
          if (isOver && message.payload === "b") throw new Overloaded({ untilMs });
        },
      });

      const report = await drain.run();

      expect(report).toMatchObject({ acked: 2, released: 1, stopped: "braked" });
      expect(Math.abs((report.nextDueAt ?? 0) - untilMs)).toBeLessThan(60_000);
      expect(await door.waiting(list)).toEqual(["b"]);
      isOver = false;
      await door.endPause(list);
      expect(await drain.run()).toMatchObject({ acked: 1, stopped: "empty" });
      expect(attempts).toEqual([1, 1, 1, 1]);
      expect(await door.everything()).toEqual({});
    });

    it("keeps no message alive: a list of nothing but failing ones ends in the dead letters", async () => {
      await produce(...numbered(30));
      const drain = drainInOutage({
        brake: { after: 5, pauseMs: 1, maxPauseMs: 1, maxMs: 50 },
        retryDelay: () => 0,
      });

      let runs = 0;
      while ((await door.redis.llen(`{${list}}:dead`)) < 30) {
        await drain.run();
        runs += 1;
        expect(runs).toBeLessThan(2_000);
      }

      const deadLetters = await drain.deadLetters.list();
      expect(deadLetters.every((dead) => dead.attempts === 5 && dead.reason === "exhausted")).toBe(true);
      await drain.run();
      expect(Object.keys(await door.everything()).filter((key) => key !== `{${list}}:brake`)).toEqual([
        `{${list}}:dead`,
      ]);
    });

    it("keeps no message alive that is always Overloaded while others succeed", async () => {
      await produce("over", ...payloads);
      const drain = make({
        maxAttempts: 2,
        brake: { after: 5, pauseMs: 1, maxPauseMs: 1, maxMs: 20 },
        retryDelay: () => 0,
        handler: (message) => {
          if (message.payload === "over") throw new Overloaded();
        },
      });

      for (let runs = 0; (await door.redis.llen(`{${list}}:dead`)) < 1; runs++) {
        await produce(`other${runs}`);
        await drain.run();
        expect(runs).toBeLessThan(2_000);
      }

      expect(await drain.deadLetters.list()).toMatchObject([
        { payload: "over", reason: "exhausted", attempts: 2 },
      ]);
    });
  });
}
