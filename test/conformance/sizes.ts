import { describe, expect, it } from "vitest";
import { list, numbered, recording, type Setup } from "./setup.ts";

/** From no message to thousands, and what bounds a claim. */
export function sizesSuite(setup: Setup): void {
  const { door, make, produce } = setup;

  describe("sizes", () => {
    it("stops at once with `empty` on an empty list, for one command and one request", async () => {
      await door.resetCommandCount();

      const report = await make().run();

      expect(report).toMatchObject({
        claimed: 0,
        stopped: "empty",
        remaining: 0,
        requests: 1,
        commands: 1,
      });
      expect(await door.commandCount()).toBe(1);
    });

    it("handles a single message", async () => {
      await produce("only");
      const { seen, handler } = recording();

      expect(await make({ handler }).run()).toMatchObject({ acked: 1, stopped: "empty" });
      expect(seen).toEqual(["only"]);
      expect(await door.everything()).toEqual({});
    });

    it("pops with a demand of exactly one", async () => {
      await produce("a", "b", "c");
      const { seen, handler } = recording();

      expect(await make({ handler, batchSize: 1 }).run()).toMatchObject({ acked: 3, stopped: "empty" });
      expect(seen).toEqual(["a", "b", "c"]);
      expect(await door.everything()).toEqual({});
    });

    it("claims a batch bigger than the list", async () => {
      await produce("a", "b");

      expect(await make({ batchSize: 1000 }).run()).toMatchObject({ claimed: 2, acked: 2, remaining: 0 });
    });

    it("stops at maxMessages and says how many remain", async () => {
      await produce(...numbered(30));
      const { seen, handler } = recording();

      const report = await make({ handler, batchSize: 10 }).run({ maxMessages: 13 });

      expect(report).toMatchObject({ claimed: 13, acked: 13, remaining: 17, stopped: "limit" });
      expect(seen).toHaveLength(13);
      expect(Object.keys(await door.everything())).toEqual([list]);
    });

    it("moves thousands of messages in one batch", async () => {
      // The plain engine sends a command a message.
      const count = setup.engine === "scripted" ? 9_500 : 2_000;
      const payloads = numbered(count);
      await produce(...payloads);
      const { seen, handler } = recording();

      const options = { handler, batchSize: 10_000, requestTimeoutMs: 60_000 };
      const report = await make(options).run({ budgetMs: 300_000 });

      expect(seen).toEqual(payloads);
      expect(report).toMatchObject({ acked: count, stopped: "empty" });
      expect(await door.everything()).toEqual({});
    });
  });

  if (setup.engine === "scripted") {
    it("bounds a claim by bytes, and always claims at least one message", async () => {
      const big = "x".repeat(400);
      await produce("a", big, "b", big, "c");
      const batches: number[] = [];

      const report = await make({
        maxBatchBytes: 300,
        batchHandler: (messages) => void batches.push(messages.length),
      }).run();

      expect(report.acked).toBe(5);
      expect(batches).toEqual([1, 1, 1, 1, 1]);
      expect(await door.everything()).toEqual({});
    });
  }
}
