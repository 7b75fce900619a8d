import { describe, expect, it } from "vitest";
import { createSpillway, reshard, SpillwayError, shardOf } from "../../src/index.ts";
import { list, numbered } from "./setup.ts";
import { type ShardsUnderTest, shardsSetup } from "./shards-setup.ts";

/** Another count of shards: refused where it is an accident, and changed with messages in flight without losing any. */
export function reshardingSuite(under: ShardsUnderTest): void {
  const { client, keys } = under;
  const { make, left } = shardsSetup(under);

  describe("another count of shards", () => {
    it("is refused to whoever has another count, who is told what to do", async () => {
      await make(4).push("a");
      const other = make(3);
      const error: unknown = await other.push("b").catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(SpillwayError);
      expect(error).toMatchObject({
        code: "shard-count",
        message: expect.stringMatching(/4 shards.*is 3.*reshard/),
      });
      expect(await other.run()).toMatchObject({
        claimed: 0,
        stopped: "error",
        error: { code: "shard-count" },
      });
      expect(await make(4).run()).toMatchObject({ acked: 1 });
    });

    it.each([
      [undefined, 4],
      [1, 4],
      [2, 8],
      [4, 2],
      [4, 1],
      [3, 4],
    ])(
      "changes from %j shards to %j while messages are in flight, and nothing is lost or handled twice",
      async (before, after) => {
        const handled: string[] = [];
        let changed: Promise<unknown> | undefined;
        const change = async (): Promise<void> => {
          await reshard({ redis: client(), list, shards: after });
          await make(after).push(numbered(20).map((name) => `new ${name}`));
        };
        const old = make(before, handled, {
          batchSize: 3,
          concurrency: 1,
          handler: async (message) => {
            if (handled.length === 10) {
              changed = change();
              await changed;
            }
            handled.push(message.payload);
          },
        });
        await old.push(numbered(40));
        await old.run({ maxMessages: 25 });
        await changed;
        expect(await make(after, handled).run()).toMatchObject({ stopped: "empty", error: null });
        expect(handled.toSorted()).toEqual(
          [...numbered(40), ...numbered(20).map((name) => `new ${name}`)].toSorted(),
        );
        expect(await left()).toEqual([]);
      },
    );

    it("keeps what is parked in a shard in its runs' sight, and lets no shard that has any be forgotten", async () => {
      const order = { byKey: "k" };
      const failing = make(4, [], {
        order,
        retryDelay: { baseMs: 60_000, maxMs: 60_000 },
        random: () => 1,
        handler: () => {
          throw new Error("no");
        },
      });
      const key = (message: unknown): string => (message as { k: string }).k;
      await failing.push(
        [1, 2].map((n) => ({ k: "customer 17", n })),
        { key },
      );
      expect(await failing.run()).toMatchObject({ retried: 1 });
      const shard = shardOf(list, "customer 17", 4);
      expect(await client().command(["LLEN", shard])).toBe(0);
      expect(await failing.stats()).toMatchObject({ parked: 2, delayed: 0 });
      expect(await failing.run()).toMatchObject({ claimed: 0, nextDueAt: expect.any(Number) });
      const smaller = { redis: client(), list, shards: 1, forget: true };
      await expect(reshard(smaller)).rejects.toMatchObject({ message: expect.stringContaining(shard) });

      const handled: string[] = [];
      const [line] = (await client().command(["ZRANGE", `${shard}:due`, 0, 0])) as string[];
      await client().command(["ZADD", `${shard}:due`, 1, line as string]);
      expect(await make(1, handled, { order }).run()).toMatchObject({ acked: 2, stopped: "empty" });
      expect(handled.map((payload) => JSON.parse(payload).n)).toEqual([1, 2]);
      await reshard(smaller);
    });

    it("is not drained by who was told of no shards, with an error that says what to do, until they are given up", async () => {
      await make(2).push(numbered(2));
      for (const engine of ["scripted", "plain"] as const) {
        const alone = make(undefined, [], { engine });
        const report = await alone.run();
        expect(report).toMatchObject({ stopped: "error", claimed: 0, commands: 1 });
        expect(report.error).toMatchObject({
          code: "shard-count",
          message: expect.stringMatching(/:shards/),
        });
        expect(await alone.push("to the list itself", { wake: false })).toMatchObject({ pushed: 1 });
      }
      const both = createSpillway({ redis: client(), lists: { [list]: { handler: () => undefined } } });
      expect((await both.run()).error).toMatchObject({ code: "shard-count" });
      const handled: string[] = [];
      await reshard({ redis: client(), list, shards: 1 });
      await make(1, handled).run();
      expect(handled.length).toBe(4);
      await reshard({ redis: client(), list, shards: 1, forget: true });
      expect(await keys()).toEqual([]);
      expect(await make(undefined).run()).toMatchObject({ stopped: "empty", error: null });
    });

    it("forgets shards that are no more only when they are empty", async () => {
      const handled: string[] = [];
      await make(4).push(numbered(8));
      const smaller = { redis: client(), list, shards: 2, forget: true };
      await expect(reshard(smaller)).rejects.toMatchObject({
        code: "shard-count",
        message: expect.stringMatching(/:2\}/),
      });
      expect(await make(2, handled).run()).toMatchObject({ acked: 8 });
      await reshard(smaller);
      await client().command(["LPUSH", `{${list}:3}`, "nobody looks here"]);
      expect(await make(2, handled).run()).toMatchObject({ claimed: 0, stopped: "empty" });
    });
  });
}
