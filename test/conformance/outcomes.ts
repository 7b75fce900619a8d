import { describe, expect, it } from "vitest";
import { ack, deadLetter, type Message, NonRetryableError, release, retry } from "../../src/index.ts";
import { list, type Setup } from "./setup.ts";

/** What a handler or a batch handler may say, and what comes of it. */
export function outcomesSuite(setup: Setup): void {
  const { door, make, produce, places } = setup;

  describe("a handler", () => {
    it("acknowledges by returning nothing, ack, or anything that is no outcome", async () => {
      const said: Record<string, unknown> = { a: undefined, b: ack, c: true, d: { status: 500 } };
      await produce(...Object.keys(said));

      const report = await make({ handler: ((message: Message) => said[message.payload]) as never }).run();

      expect(report).toMatchObject({ acked: 4, retried: 0, stopped: "empty" });
      expect(await door.everything()).toEqual({});
    });

    it("has its message tried again after as long as it says, with an attempt counted", async () => {
      await produce("a");
      const attempts: number[] = [];
      const drain = make({
        handler: (message) => {
          attempts.push(message.attempt);
          return message.attempt === 1 ? retry({ afterMs: 500_000 }) : ack;
        },
      });

      const report = await drain.run();

      expect(report).toMatchObject({ retried: 1, acked: 0, remaining: 0, stopped: "empty" });
      const [, dueAt] = await door.redis.zrange(`{${list}}:delayed`, 0, "-1", "WITHSCORES");
      expect(Math.abs(Number(dueAt) - Date.now() - 500_000)).toBeLessThan(60_000);
      expect(await drain.run()).toMatchObject({ claimed: 0, stopped: "empty", nextDueAt: Number(dueAt) });
      await door.makeDue(list);
      expect(await drain.run()).toMatchObject({ acked: 1 });
      expect(attempts).toEqual([1, 2]);
      expect(await door.everything()).toEqual({});
    });

    it("sends its message to the dead letters with its own reason", async () => {
      await produce("a");
      const drain = make({ handler: () => deadLetter("no such customer") });

      expect(await drain.run()).toMatchObject({ deadLettered: 1, stopped: "empty" });

      const [dead] = await drain.deadLetters.list();
      expect(dead).toMatchObject({
        payload: "a",
        list,
        reason: "no such customer",
        attempts: 1,
        error: null,
      });
      expect(await places()).toEqual([`{${list}}:dead`]);
    });

    it("releases its messages in their old order, uncounted, and does not get them again in this run", async () => {
      await produce("a", "b", "c");
      const seen: string[] = [];
      const drain = make({
        handler: (message) => {
          seen.push(`${message.payload}${message.attempt}`);
          return release;
        },
      });

      expect(await drain.run()).toMatchObject({ claimed: 3, released: 3, remaining: 3, stopped: "empty" });
      expect(await door.waiting(list)).toEqual(["a", "b", "c"]);
      await drain.run();
      expect(seen).toEqual(["a1", "b1", "c1", "a1", "b1", "c1"]);
      expect(await places()).toEqual([list]);
    });

    it.each([
      ["NonRetryableError", () => new NonRetryableError("gone")],
      ["an error of that name", () => Object.assign(new Error("gone"), { name: "NonRetryableError" })],
    ])("that throws %s is not asked again", async (_, makeError) => {
      await produce("a");
      const drain = make({
        handler: () => {
          throw makeError();
        },
      });

      expect(await drain.run()).toMatchObject({ deadLettered: 1, retried: 0 });
      expect(await drain.deadLetters.list()).toMatchObject([
        { reason: "non-retryable", attempts: 1, error: { name: "NonRetryableError", message: "gone" } },
      ]);
    });
  });

  describe("a batch handler", () => {
    it("acknowledges a whole batch by its batch handler, or returns it whole", async () => {
      await produce("a", "b", "c");
      const batches: string[][] = [];
      const drain = make({
        batchSize: 2,
        batchHandler: async (messages) => {
          batches.push(messages.map((message) => message.payload));
          if (messages.length === 1) throw new Error("no");
        },
      });

      const report = await drain.run();

      expect(batches).toEqual([["a", "b"], ["c"]]);
      expect(report).toMatchObject({ acked: 2, retried: 1 });
      expect(await door.delayed(list)).toEqual(["c"]);
    });

    const run = async (batchHandler: (messages: readonly Message[]) => unknown) => {
      await produce("a", "b", "c");
      const drain = make({ batchHandler: batchHandler as never, brake: false });
      const report = await drain.run();
      return { report, deadLetters: await drain.deadLetters.list() };
    };

    it("returns one outcome for each message", async () => {
      const { report, deadLetters } = await run(() => [ack, retry(), deadLetter("no")]);

      expect(report).toMatchObject({ acked: 1, retried: 1, deadLettered: 1 });
      expect(await door.delayed(list)).toEqual(["b"]);
      expect(deadLetters.map(({ payload }) => payload)).toEqual(["c"]);
    });

    it("may return errors among them, or what Promise.allSettled gives", async () => {
      const { report, deadLetters } = await run(([a, b, c]) =>
        Promise.allSettled([a, Promise.reject(new NonRetryableError(b?.payload)), c]),
      );

      expect(report).toMatchObject({ acked: 2, deadLettered: 1 });
      expect(deadLetters).toMatchObject([{ payload: "b", error: { message: "b" } }]);
    });

    it("may return only the messages that failed", async () => {
      const { report } = await run((messages) => ({ failed: messages.slice(1) }));

      expect(report).toMatchObject({ acked: 1, retried: 2 });
      expect((await door.delayed(list)).sort()).toEqual(["b", "c"]);
    });

    it("may say of each that failed what becomes of it", async () => {
      const { report } = await run((messages) => {
        const says: Record<string, unknown> = { a: release, b: new Error("no") };
        return {
          failed: new Map(
            messages.flatMap(
              (one) => (says[one.payload] ? [[one, says[one.payload]]] : []) as [Message, unknown][],
            ),
          ),
        };
      });

      // The released one is first again. Should it come back alone and be released again, the run ends.
      expect(report).toMatchObject({ acked: 1, retried: 1, remaining: 1, stopped: "empty" });
      expect(await door.waiting(list)).toEqual(["a"]);
    });

    it("fails them all by throwing, and by returning outcomes for fewer than there are", async () => {
      for (const batchHandler of [() => [ack], () => Promise.reject(new Error("no"))]) {
        await door.redis.flushall();
        const { report } = await run(batchHandler);
        expect(report).toMatchObject({ acked: 0, retried: 3 });
      }
    });

    it("acknowledges all by returning nothing, ack, or an array of what are no outcomes", async () => {
      for (const returned of [undefined, ack, [1, 2, 3], [1], "done"]) {
        expect((await run(() => returned)).report).toMatchObject({ acked: 3 });
      }
      expect(await door.everything()).toEqual({});
    });
  });
}
