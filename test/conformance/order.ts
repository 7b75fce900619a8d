import { describe, expect, it } from "vitest";
import { until } from "../support/until.ts";
import { list, numbered, recording, type Setup } from "./setup.ts";

/** First in, first out, whatever happens on the way. */
export function orderSuite(setup: Setup): void {
  const { door, make, produce } = setup;

  describe("order", () => {
    it("handles messages first in, first out, and leaves no key behind", async () => {
      const payloads = numbered(25);
      await produce(...payloads);
      const { seen, handler } = recording();

      const report = await make({ handler, batchSize: 10 }).run();

      expect(seen).toEqual(payloads);
      expect(report).toMatchObject({ claimed: 25, acked: 25, remaining: 0, stopped: "empty", error: null });
      expect(await door.everything()).toEqual({});
    });

    it("serves an RPUSH before everything that was pushed on the left", async () => {
      await produce("second", "third");
      await door.redis.rpush(list, "first");
      const { seen, handler } = recording();

      await make({ handler }).run();

      expect(seen).toEqual(["first", "second", "third"]);
    });

    it("hides the round trip behind the handlers with prefetch, and keeps the order", async () => {
      const payloads = numbered(35);
      await produce(...payloads);
      const { seen, handler } = recording();

      const report = await make({ handler, batchSize: 10, prefetch: 1 }).run();

      expect(seen).toEqual(payloads);
      expect(report).toMatchObject({ claimed: 35, acked: 35, remaining: 0, stopped: "empty" });
      expect(await door.everything()).toEqual({});
    });

    it("keeps the order of messages that failed together and are due together", async () => {
      const payloads = numbered(12);
      await produce(...payloads);
      const { seen, handler } = recording();
      let isDown = true;
      const drain = make({
        batchSize: 5,
        brake: false,
        retryDelay: () => 60_000,
        handler: (message) => {
          if (isDown) throw new Error("no");
          handler(message);
        },
      });

      const report = await drain.run();

      expect(report).toMatchObject({ claimed: 12, retried: 12, acked: 0, remaining: 0, stopped: "empty" });
      isDown = false;
      await door.makeDue(list);
      await drain.run();
      expect(seen).toEqual(payloads);
      expect(await door.everything()).toEqual({});
    });

    it("gives back a batch that it has claimed ahead, and the rest of the one before it, in their old order", async () => {
      const payloads = numbered(12);
      await produce(...payloads);
      const controller = new AbortController();

      const report = await make({
        batchSize: 3,
        prefetch: 1,
        handler: async ({ payload }) => {
          if (payload !== "m4") return;
          // The batch after this one is in hand, too.
          await until(async () => (await door.redis.llen(list)) === 3);
          controller.abort();
          throw new Error("cut short");
        },
      }).run({ signal: controller.signal });

      expect(report).toMatchObject({ acked: 4, released: 5, stopped: "aborted" });
      expect(await door.waiting(list)).toEqual(payloads.slice(4));
      expect(Object.keys(await door.everything())).toEqual([list]);
    });
  });

  if (setup.engine === "scripted") {
    it("moves a batch exactly as RPOPLPUSH would, for the whole time it is worked on", async () => {
      await produce("a", "b", "c");
      let during: Record<string, unknown> = {};

      await make({
        batchSize: 2,
        randomId: () => "d",
        handler: async (message) => {
          if (message.payload === "a") during = await door.everything();
        },
      }).run();

      await door.redis.lpush(`{${list}}reference`, "a", "b", "c");
      await door.redis.rpoplpush(`{${list}}reference`, `{${list}}:reference`);
      await door.redis.rpoplpush(`{${list}}reference`, `{${list}}:reference`);
      expect(during[list]).toEqual(["c"]);
      expect(during[`{${list}}:working:d.1`]).toEqual(await door.redis.lrange(`{${list}}:reference`, 0, -1));
      expect((during[`{${list}}:leases`] as string[])[0]).toBe("d.1");
    });

    it("keeps the order of what bytes cut off", async () => {
      const payloads = Array.from({ length: 20 }, (_, at) => `${at}`.padEnd(10, "."));
      await produce(...payloads);
      const { seen, handler } = recording();

      await make({ handler, maxBatchBytes: 55 }).run();

      expect(seen).toEqual(payloads);
    });
  }
}
