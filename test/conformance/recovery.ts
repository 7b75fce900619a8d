import { describe, expect, it } from "vitest";
import type { RedisClient } from "../../src/index.ts";
import { list, numbered, recording, type Setup } from "./setup.ts";

/** What a dead drain held, and what is delayed, comes back in its order. */
export function recoverySuite(setup: Setup): void {
  const { door, make, produce } = setup;

  describe("recovery", () => {
    it("recovers what a dead drain held, in its old order and before everything newer, counting an attempt", async () => {
      await produce("new");
      await door.redis.lpush(`{${list}}:working:dead.1`, "a", "b");
      await door.redis.lpush(`{${list}}:working:dead.2`, "c");
      await door.redis.zadd(`{${list}}:leases`, 1_000, "dead.1", 2_000, "dead.2");
      const seen: string[] = [];

      const report = await make({
        handler: (message) => void seen.push(`${message.payload}${message.attempt}`),
      }).run();

      expect(seen).toEqual(["a2", "b2", "c2", "new1"]);
      expect(report).toMatchObject({ recovered: 3, acked: 4, stopped: "empty" });
      expect(await door.everything()).toEqual({});
    });

    it("keeps the order of more than one request recovers", async () => {
      const payloads = Array.from({ length: 30 }, (_, batch) =>
        Array.from({ length: 90 }, (_, at) => `${batch}.${at}`),
      );
      for (const [batch, messages] of payloads.entries()) {
        await door.redis.lpush(`{${list}}:working:dead.${batch}`, ...messages);
        await door.redis.zadd(`{${list}}:leases`, batch + 1, `dead.${batch}`);
      }
      const { seen, handler } = recording();

      const report = await make({ handler }).run();

      expect(seen).toEqual(payloads.flat());
      expect(report).toMatchObject({ recovered: 2_700, acked: 2_700, stopped: "empty" });
      expect(await door.everything()).toEqual({});
    });

    it("brings back what several drains held in the order of the list, whenever their leases end", async () => {
      await produce(...numbered(20));
      const { seen, handler } = recording();
      const leaseMs = [40_000, 10_000, 30_000, 20_000];
      const shared = { maxConcurrency: 10, batchSize: 3, prefetch: 0, concurrency: 1 } as const;
      /** Each drain's first handler starts the next drain, and the last one sees all their leases end. */
      const begin = (depth: number): Promise<unknown> => {
        const next = async (): Promise<void> => {
          if (depth < 3) return void (await begin(depth + 1));
          await door.expireLeases(list);
          await make({ ...shared, handler }).run();
        };
        return make({ ...shared, leaseMs: leaseMs[depth] as number, handler: next }).run({ maxMessages: 3 });
      };
      await begin(0);
      expect(seen).toEqual(numbered(20));
      expect(await door.everything()).toEqual({});
    });

    it("recovers by hand, and finds nothing the second time", async () => {
      await door.redis.lpush(`{${list}}:working:dead.1`, "a", "b");
      await door.redis.zadd(`{${list}}:leases`, 1_000, "dead.1");

      expect(await make().recover()).toEqual({ recovered: 2, adopted: 0 });
      expect(await make().recover()).toEqual({ recovered: 0, adopted: 0 });
      expect(await door.waiting(list)).toEqual(["a", "b"]);
    });

    it("drops a lease that has no working list", async () => {
      await door.redis.zadd(`{${list}}:leases`, 1_000, "dead.1");

      expect(await make().run()).toMatchObject({ recovered: 0, stopped: "empty" });
      expect(await door.everything()).toEqual({});
    });

    it("promotes delayed messages that are due, in due order, and says when the next one is", async () => {
      const due = Date.now() + 600_000;
      await door.redis.zadd(
        `{${list}}:delayed`,
        2_000,
        "y:second",
        1_000,
        "x:first:with:colons",
        due,
        "z:later",
      );
      const { seen, handler } = recording();

      const report = await make({ handler }).run();

      expect(seen).toEqual(["first:with:colons", "second"]);
      expect(report).toMatchObject({ acked: 2, nextDueAt: due, stopped: "empty" });
      expect(await door.everything()).toEqual({ [`{${list}}:delayed`]: ["z:later", String(due)] });
    });
  });

  describe("a working list that has no lease", () => {
    it("is adopted by recover, and its messages return in order once the grace has passed", async () => {
      await produce("new");
      await door.redis.lpush(`{${list}}:working:lost.1`, "a", "b");
      await door.redis.lpush(`{${list}}:working:held.1`, "held");
      await door.redis.zadd(`{${list}}:leases`, Date.now() + 600_000, "held.1");
      await door.redis.lpush(`{${list}}2:working:x.1`, "not ours");
      await door.redis.set(`{${list}}:working:text`, "no list");

      expect(await make().recover()).toEqual({ recovered: 0, adopted: 1 });
      expect(await make().recover()).toEqual({ recovered: 0, adopted: 0 });
      const graceEndsAt = Number(await door.redis.zscore(`{${list}}:leases`, "lost.1"));
      expect(graceEndsAt).toBeGreaterThan(Date.now() + 30_000);

      await door.redis.zadd(`{${list}}:leases`, 1, "lost.1");
      expect(await make().recover()).toEqual({ recovered: 2, adopted: 0 });
      expect(await door.waiting(list)).toEqual(["a", "b", "new"]);
    });

    it("gets no lease where it was settled since it was found", async () => {
      await produce("a");
      let endHandler: () => void = () => undefined;
      const handlerEnds = new Promise<void>((resolve) => {
        endHandler = resolve;
      });
      let inHand: () => void = () => undefined;
      const isInHand = new Promise<void>((resolve) => {
        inHand = resolve;
      });
      const run = make({
        handler: () => {
          inHand();
          return handlerEnds;
        },
      }).run();
      await isInHand;
      const client = setup.client();
      const pipeline: RedisClient["pipeline"] = async (commands, options) => {
        const replies = await client.pipeline(commands, options);
        if (commands.some(([name]) => name === "SCAN")) {
          endHandler();
          await run;
        }
        return replies;
      };
      const redis = { ...setup.faulty(() => "none"), pipeline };

      expect(await make({ redis }).recover()).toEqual({ recovered: 0, adopted: 0 });

      expect(await run).toMatchObject({ acked: 1 });
      expect(await door.everything()).toEqual({});
    });

    it("is found among many other keys, a bounded step at a time", async () => {
      await Promise.all(numbered(5_000).map((key) => door.redis.set(`{${list}}other:${key}`, "1")));
      await door.redis.lpush(`{${list}}:working:lost.1`, "a");
      const redis = setup.faulty(() => "none");

      expect(await make({ redis }).recover()).toMatchObject({ adopted: 1 });

      const scans = redis.sent.flat().filter(([name]) => name === "SCAN");
      expect(scans).not.toEqual([]);
      for (const scan of scans) expect(scan[scan.indexOf("COUNT") + 1]).toBeLessThanOrEqual(1_000);
    });

    it("is found whatever the list is called", async () => {
      for (const name of ["a*b", "[x]", "q?", "back\\slash"]) {
        await setup.client().command(["LPUSH", `{${name}}:working:lost.1`, "a"]);
        expect(await make({ list: name }).recover()).toMatchObject({ adopted: 1 });
      }
    });
  });
}
