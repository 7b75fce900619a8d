import { describe, expect, it } from "vitest";
import { list, numbered, recording, type Setup } from "./setup.ts";

/** Who holds a batch, until when, and what a late settle may still do. */
export function leasesSuite(setup: Setup): void {
  const { door, make, produce } = setup;

  describe("leases", () => {
    it("refuses the late settle of a drain whose expired lease another has recovered", async () => {
      await produce("a", "b");
      const late: string[] = [];
      const again = recording();

      const report = await make({
        batchSize: 2,
        handler: async (message) => {
          late.push(message.payload);
          if (message.payload !== "b") return;
          await door.expireLeases(list);
          const other = await make({ handler: again.handler }).run();
          expect(other).toMatchObject({ recovered: 2, acked: 2 });
          await produce("a");
        },
      }).run({ maxMessages: 2 });

      expect(late).toEqual(["a", "b"]);
      expect(again.seen).toEqual(["a", "b"]);
      expect(report).toMatchObject({ claimed: 2, acked: 0, lostLease: 2 });
      expect(await door.waiting(list)).toEqual(["a"]);
    });

    it("reports messages of a lost lease as lost, never as acknowledged", async () => {
      await produce("a");
      const report = await make({
        handler: async () => {
          await door.expireLeases(list);
          expect(await make().run()).toMatchObject({ recovered: 1, acked: 1 });
        },
      }).run();

      expect(report).toMatchObject({ claimed: 1, acked: 0, lostLease: 1 });
      expect(await door.everything()).toEqual({});
    });

    it("accepts a late settle as long as no one has recovered the lease", async () => {
      await produce("a");

      const report = await make({ handler: () => door.expireLeases(list) }).run();

      expect(report).toMatchObject({ acked: 1, lostLease: 0 });
      expect(await door.everything()).toEqual({});
    });

    it("is no longer than the handlers of its batch may take, and what settling needs", async () => {
      await produce(...numbered(40));
      const ends: number[] = [];
      const nows: number[] = [await door.now()];
      await make({
        concurrency: 10,
        batchSize: 40,
        handlerTimeoutMs: 3_000,
        handler: async () => {
          const [, endsAt] = await door.redis.zrange(`{${list}}:leases`, 0, "-1", "WITHSCORES");
          ends.push(Number(endsAt));
          nows.push(await door.now());
        },
      }).run({ budgetMs: 900_000 });
      // Four rounds of 3 s, a third of that for the reserve, and the margin of 5 s.
      // It was claimed after the first look at Redis' clock, and before the second.
      expect(new Set(ends).size).toBe(1);
      expect(ends[0]).toBeGreaterThanOrEqual((nows[0] ?? 0) + 21_000);
      expect(ends[0]).toBeLessThanOrEqual((nows[1] ?? 0) + 21_000);
      expect(ends).toHaveLength(40);
    });
  });
}
