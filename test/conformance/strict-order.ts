import { describe, expect, it } from "vitest";
import { deadLetter, NonRetryableError, OptionError, release, retry } from "../../src/index.ts";
import { list, numbered, only, recording, type Setup } from "./setup.ts";

/** `order: "strict"`: one message at a time, and nothing overtakes one that failed. */
export function strictOrderSuite(setup: Setup): void {
  const { door, engine, make, produce } = setup;

  if (engine === "plain") {
    it.each(["strict", { byKey: "id" }] as const)("the order %j is refused with this engine", (order) => {
      expect(() => make({ order })).toThrow('with engine: "plain"');
    });
    return;
  }

  const strict = (options: Parameters<Setup["make"]>[0] = {}) => make({ order: "strict", ...options });
  const endHold = () => door.redis.del(`{${list}}:held`);

  describe("strict order", () => {
    it("handles one message at a time, in order, and leaves no key behind", async () => {
      await produce(...numbered(25));
      const seen: string[] = [];
      let running = 0;
      let most = 0;
      const handler = async ({ payload }: { payload: string }) => {
        most = Math.max(most, ++running);
        await new Promise(setImmediate);
        seen.push(payload);
        running -= 1;
      };
      const report = await strict({ handler, batchSize: 10, concurrency: 5, prefetch: 1 }).run();
      expect(report).toMatchObject({ acked: 25, stopped: "empty", error: null });
      expect(seen).toEqual(numbered(25));
      expect(most).toBe(1);
      expect(await door.everything()).toEqual({});
    });

    it("holds the list where a message failed, until it succeeds; its successors wait in their order", async () => {
      await produce(...numbered(6));
      const seen: string[] = [];
      let failures = 0;
      const drain = strict({
        batchSize: 4,
        retryDelay: () => 60_000,
        handler: ({ payload, attempt }) => {
          seen.push(`${payload}.${attempt}`);
          if (payload === "m2" && failures++ < 2) throw new Error("not yet");
        },
      });
      const before = await door.now();
      const report = await drain.run();
      expect(report).toMatchObject({ stopped: "held", acked: 2, retried: 1, released: 1, error: null });
      expect(report.nextDueAt).toBeGreaterThanOrEqual(before + 60_000);
      expect(await door.waiting(list)).toEqual(["m2", "m3", "m4", "m5"]);

      expect(await drain.run()).toMatchObject({ stopped: "held", claimed: 0 });
      await endHold();
      expect(await drain.run()).toMatchObject({ stopped: "held", acked: 0, retried: 1 });
      await endHold();
      expect(await drain.run()).toMatchObject({ stopped: "empty", acked: 4 });
      expect(seen).toEqual(["m0.1", "m1.1", "m2.1", "m2.2", "m2.3", "m3.1", "m4.1", "m5.1"]);
      expect(await door.everything()).toEqual({});
    });

    it("claims a head that failed alone, so that what waits behind it is not claimed in vain", async () => {
      await produce(...numbered(100));
      const drain = strict({
        batchSize: 100,
        maxAttempts: 20,
        retryDelay: () => 0,
        brake: false,
        handler: ({ payload, attempt }) => {
          if (payload === "m50" && attempt < 10) throw new Error("not yet");
        },
      });
      const report = await drain.run();
      expect(report).toMatchObject({ stopped: "empty", acked: 100, retried: 9, released: 49 });
      expect(report.claimed).toBe(100 + 9 + 49);
    });

    it.each([
      ["what failed for the last time", { maxAttempts: 1 }, () => new Error("no")],
      ["what is not worth another attempt", {}, () => new NonRetryableError("no")],
      ["what its handler says is none", {}, () => deadLetter("no")],
    ] as const)("goes on behind a dead letter: %s", async (_what, options, fail) => {
      await produce(...numbered(5));
      const { seen, handler } = recording();
      const report = await strict({
        ...options,
        handler: (message) => {
          handler(message);
          if (message.payload !== "m2") return;
          const outcome = fail();
          if (outcome instanceof Error) throw outcome;
          return outcome;
        },
      }).run();
      expect(report).toMatchObject({ stopped: "empty", acked: 4, deadLettered: 1 });
      expect(seen).toEqual(numbered(5));
    });

    it("waits as long as a handler asked for, and runs nothing behind what it gave back", async () => {
      await produce(...numbered(3));
      const { seen, handler } = recording();
      const outcomes = [retry({ afterMs: 30_000 }), release];
      const drain = strict({
        handler: (message) => {
          handler(message);
          return outcomes.shift();
        },
      });
      expect(await drain.run()).toMatchObject({ stopped: "held", retried: 1 });
      await endHold();
      expect(await drain.run()).toMatchObject({ stopped: "empty", released: 3 });
      expect(await drain.run()).toMatchObject({ stopped: "empty", acked: 3 });
      expect(seen).toEqual(["m0", "m0", ...numbered(3)]);
    });

    it("keeps the order where the drain dies, and where the brake holds", async () => {
      await produce(...numbered(8));
      const seen: string[] = [];
      let isDown = true;
      const drain = strict({
        batchSize: 3,
        retryDelay: () => 0,
        brake: { after: 1, pauseMs: 60_000 },
        handler: ({ payload }) => {
          if (isDown && payload === "m4") throw new Error("down");
          seen.push(payload);
        },
      });
      expect(await drain.run()).toMatchObject({ stopped: "braked" });
      isDown = false;
      await door.endPause(list);
      while ((await drain.run()).stopped === "braked") await door.endPause(list);
      expect(seen).toEqual(numbered(8));
    });

    it.each([1, 2, 3, 4])("keeps the order where request %d is lost, and where its reply is", async (at) => {
      for (const fault of ["lose-request", "lose-reply"] as const) {
        await produce(...numbered(7));
        const { seen, handler } = recording();
        let failed = false;
        const drain = strict({
          redis: setup.faulty(only(at, fault)),
          batchSize: 3,
          retryDelay: () => 0,
          handler: (message) => {
            if (message.payload === "m1" && !failed) {
              failed = true;
              throw new Error("once");
            }
            handler(message);
          },
        });
        expect(await drain.run()).toMatchObject({ stopped: "empty", acked: 7 });
        expect(seen).toEqual(numbered(7));
        expect(await door.everything()).toEqual({});
      }
    });

    it("takes redriven messages before what waits, the oldest first", async () => {
      await produce(...numbered(5));
      const failing = ({ payload }: { payload: string }) => {
        if (payload === "m0" || payload === "m1") throw new NonRetryableError("no");
      };
      await strict({ handler: failing }).run({ maxMessages: 2 });
      expect(await strict().deadLetters.redrive()).toEqual({ redriven: 2 });
      expect(await door.waiting(list)).toEqual(numbered(5));
    });

    it("has a timer go on when the first message is due", async () => {
      await produce("a");
      const waits: number[] = [];
      const continuation = {
        name: "timer",
        invoke: async () => null,
        invokeLater: async ({ inMs }: { inMs: number }) => {
          waits.push(inMs);
          return null;
        },
      };
      const handler = () => retry({ afterMs: 30_000 });
      await strict({ continuation, handler }).run();
      expect(waits).toEqual([expect.closeTo(30_000, -3)]);
    });

    it("costs no request and no command more a batch", async () => {
      const costOf = async (order: "fifo" | "strict") => {
        await produce(...numbered(1_000));
        await make({ order }).run({ maxMessages: 1 });
        const { requests, commands } = await make({ order, batchSize: 100 }).run();
        return { requests, commands };
      };
      const fifo = await costOf("fifo");
      const strictly = await costOf("strict");
      expect(strictly.requests).toBeLessThanOrEqual(fifo.requests);
      expect(strictly.commands).toBeLessThanOrEqual(fifo.commands + 2);
    });

    it("loses nothing where the order of the drains changes while a message waits", async () => {
      await produce(...numbered(4));
      const failing = () => {
        throw new Error("no");
      };
      await strict({ handler: failing, retryDelay: () => 60_000 }).run();
      const { seen, handler } = recording();
      expect(await make({ handler }).run()).toMatchObject({ stopped: "empty", acked: 4 });
      expect(seen).toEqual(numbered(4));
    });

    it("refuses more than one drain, and batch handlers", () => {
      expect(() => strict({ maxConcurrency: 2 })).toThrow(OptionError);
      expect(() => make({ order: "strict", batchHandler: () => undefined })).toThrow("give handler");
      expect(() => make({ order: "random" as never })).toThrow('"fifo", "strict" or { byKey }');
    });
  });
}
