import { describe, expect, it } from "vitest";
import { OptionError, type RateLimit } from "../../src/index.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { list, numbered, recording, type Setup } from "./setup.ts";

/** What an operator tells all drains of a list through Redis: to pause, and how much they may claim. */
export function controlSuite(setup: Setup): void {
  const { door, engine, make, produce } = setup;

  describe("a paused list", () => {
    it("gives its drains nothing until it is resumed, and loses nothing", async () => {
      await produce(...numbered(3));
      await make().pause();
      const { seen, handler } = recording();
      expect(await make({ handler }).run()).toMatchObject({ stopped: "paused", claimed: 0, error: null });
      expect(await make().stats()).toMatchObject({ list: 3, paused: true });

      await make().resume();
      expect(await make({ handler }).run()).toMatchObject({ stopped: "empty", acked: 3 });
      expect(seen).toEqual(numbered(3));
      expect(await make().stats()).toMatchObject({ list: 0, paused: false });
    });

    it("stays paused while it is empty", async () => {
      await make().pause();
      await make().run();
      await produce("a");
      expect(await make().run()).toMatchObject({ stopped: "paused", claimed: 0 });
    });
  });

  it("is seen within a second by a drain in the midst of a slow batch, which gives back what has not begun", async () => {
    await produce(...numbered(20));
    const clock = new ManualClock();
    const seen: string[] = [];
    const handler = async ({ payload }: { payload: string }) => {
      seen.push(payload);
      if (payload === "m5") await make().pause();
      clock.advance(400);
    };
    const report = await make({ clock, handler }).run({ budgetMs: 600_000 });
    expect(report).toMatchObject({ stopped: "paused", acked: seen.length, released: 20 - seen.length });
    expect(seen.length).toBeLessThanOrEqual(8);
    expect([...seen, ...(await door.waiting(list))]).toEqual(numbered(20));
  });

  if (engine === "plain") {
    it("limits are refused, for this engine does not count claims", async () => {
      await expect(make().limits.set({ messages: 1, windowMs: 1 })).rejects.toThrow(OptionError);
    });
    return;
  }

  describe("a drain that runs while its list is paused", () => {
    it.each([0, 1] as const)(
      "ends what has begun, gives back the rest in its order: prefetch %d",
      async (prefetch) => {
        await produce(...numbered(20));
        const seen: string[] = [];
        const drain = make({
          prefetch,
          batchSize: 5,
          // A lone drain looks around once a second, and this one is done before.
          maxConcurrency: 2,
          handler: async ({ payload }) => {
            seen.push(payload);
            // The turn after this batch is the first that can see it.
            if (payload === "m4") await drain.pause();
          },
        });
        const report = await drain.run();
        expect(report).toMatchObject({ stopped: "paused", acked: seen.length, error: null });
        expect(seen.length).toBeLessThan(20);
        expect([...seen, ...(await door.waiting(list))]).toEqual(numbered(20));
      },
    );

    it("does not begin another message of its batch once it knows", async () => {
      await produce(...numbered(20));
      const seen: string[] = [];
      const pausing = make();
      const drain = make({
        prefetch: 1,
        batchSize: 10,
        maxConcurrency: 2,
        // The turn that settles the first batch runs beside the second one's handlers.
        handler: async ({ payload }) => {
          seen.push(payload);
          if (payload === "m9") await pausing.pause();
          if (payload === "m10") while ((await door.redis.zcard(`{${list}}:leases`)) > 1);
        },
      });
      const report = await drain.run();
      expect(report).toMatchObject({ stopped: "paused", error: null });
      expect([...seen, ...(await door.waiting(list))]).toEqual(numbered(20));
      expect(await door.redis.zcard(`{${list}}:leases`)).toBe(0);
    });
  });

  describe("a rate limit", () => {
    const hour = 3_600_000;
    /** Ends the window that runs, as the passing of time would. */
    const endWindow = () => door.redis.hset(`{${list}}:control`, "endsAt", 1);

    it("lets so many messages be claimed in a window, over all drains, and says when the next one begins", async () => {
      await produce(...numbered(10));
      await make().limits.set({ messages: 4, windowMs: hour });
      const before = await door.now();
      expect(await make({ batchSize: 3 }).run()).toMatchObject({ stopped: "rate-limited", acked: 4 });
      const report = await make().run();
      expect(report).toMatchObject({ stopped: "rate-limited", claimed: 0, error: null });
      expect(report.nextDueAt).toBeGreaterThanOrEqual(before + hour);
      expect(report.nextDueAt).toBeLessThanOrEqual((await door.now()) + hour);

      await endWindow();
      expect(await make().run()).toMatchObject({ stopped: "rate-limited", acked: 4 });
      await endWindow();
      expect(await make().run()).toMatchObject({ stopped: "empty", acked: 2 });
      expect(await make().run()).toMatchObject({ stopped: "empty" });
    });

    it("has a timer go on when the next window begins", async () => {
      await produce(...numbered(3));
      await make().limits.set({ messages: 2, windowMs: hour });
      const waits: number[] = [];
      const continuation = {
        name: "timer",
        invoke: async () => null,
        invokeLater: async ({ inMs }: { inMs: number }) => {
          waits.push(inMs);
          return null;
        },
      };
      await make({ continuation }).run();
      expect(waits).toEqual([expect.closeTo(hour, -5)]);
    });

    it("is changed and taken away while drains run", async () => {
      await produce(...numbered(30));
      const drain = make({ batchSize: 2 });
      await drain.limits.set({ messages: 4, windowMs: hour });
      await drain.run();
      await drain.limits.set({ messages: 10, windowMs: hour });
      expect(await drain.limits.get()).toEqual({ messages: 10, windowMs: hour });
      expect(await drain.run()).toMatchObject({ acked: 6 });
      await drain.limits.set(null);
      expect(await drain.limits.get()).toBeNull();
      expect(await drain.run()).toMatchObject({ stopped: "empty", acked: 20 });
      expect(await door.redis.dbsize()).toBe(0);
    });

    it("counts a claim once, though its reply was lost and it was sent again", async () => {
      await produce(...numbered(6));
      await make().limits.set({ messages: 4, windowMs: hour });
      const redis = setup.faulty((index) => (index === 1 ? "lose-reply" : "none"));
      expect(await make({ redis, batchSize: 2 }).run()).toMatchObject({ acked: 4, stopped: "rate-limited" });
    });

    // Windows that a clock stepped back, or a hand, has left: none may hold a list up for ever.
    it.each([["1e21"], ["-5"], ["NaN"], ["9999999999999"], [""]])(
      "begins anew from a window that ends at %j",
      async (endsAt) => {
        await produce("a");
        await make().limits.set({ messages: 1, windowMs: hour });
        await door.redis.hset(`{${list}}:control`, "endsAt", endsAt, "used", "1");
        expect(await make().run()).toMatchObject({ acked: 1 });
      },
    );

    it.each<[string, unknown]>([
      ["limit.messages", { messages: 0, windowMs: 1 }],
      ["limit.messages", { messages: -1, windowMs: 1 }],
      ["limit.messages", { messages: Number.NaN, windowMs: 1 }],
      ["limit.windowMs", { messages: 1 }],
      ["limit.windowMs", { messages: 1, windowMs: 1e21 }],
      ["limit", 5],
    ])("refuses a wrong %s", async (_option, limit) => {
      await expect(make().limits.set(limit as RateLimit)).rejects.toThrow(OptionError);
      expect(await door.redis.dbsize()).toBe(0);
    });

    it("costs two commands more a batch where it is set, and none where it is not", async () => {
      const costOf = async (): Promise<number> => {
        await produce(...numbered(40));
        return (await make({ batchSize: 10, maxConcurrency: 2 }).run()).commands;
      };
      const without = await costOf();
      await make().limits.set({ messages: 1_000, windowMs: hour });
      expect((await costOf()) - without).toBeLessThanOrEqual(2 * 5);
    });
  });
}
