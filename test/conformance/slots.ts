import { describe, expect, it } from "vitest";
import type { Drain, DrainReport } from "../../src/index.ts";
import { list, numbered, recording, type Setup } from "./setup.ts";

/** As many drains live as `maxConcurrency` says, and ticks stay away from a live chain. */
export function slotsSuite(setup: Setup): void {
  const { door, make, produce } = setup;

  describe("slots", () => {
    it("hands each message to one of several racing drains", async () => {
      const payloads = numbered(500);
      await produce(...payloads);
      const { seen, handler } = recording();
      const drains = Array.from({ length: 4 }, () => make({ handler, batchSize: 7, maxConcurrency: 4 }));

      const reports = await Promise.all(drains.map((drain) => drain.run()));

      expect(seen.sort()).toEqual(payloads.sort());
      expect(reports.reduce((sum, report) => sum + report.acked, 0)).toBe(500);
      // The plain engine may have noted a message as seen just after another drain was done with it; the next tick looks.
      if (!(setup.engine === "scripted")) await make().run();
      expect(await door.everything()).toEqual({});
    });

    if (setup.engine === "scripted") {
      it("answers `busy` while another drain is live, and claims as soon as its lease has ended", async () => {
        await produce("a", "b");
        let inside: unknown;

        await make({
          batchSize: 1,
          handler: async () => {
            inside ??= await make().run();
          },
        }).run();
        expect(inside).toMatchObject({ claimed: 0, stopped: "busy" });

        await produce("c");
        await door.redis.lpush(`{${list}}:working:other.1`, "held");
        await door.redis.zadd(`{${list}}:leases`, Date.now() + 600_000, "other.1");
        expect(await make().run()).toMatchObject({ claimed: 0, stopped: "busy" });
        await door.expireLeases(list);
        expect(await make().run()).toMatchObject({ acked: 2, recovered: 1 });
      });

      it("tells a tick that finds a live chain so in two requests, with until when, and is open again when the chain ends", async () => {
        const chain = { name: "test", invoke: async () => null };
        await produce("a", "b", "c", "d");
        const inside: DrainReport[] = [];
        const report = await make({
          batchSize: 1,
          continuation: chain,
          handler: async () => void inside.push(await make({ continuation: chain }).run()),
        }).run();

        expect(report).toMatchObject({ acked: 4, stopped: "empty" });
        expect(inside).toHaveLength(4);
        for (const tick of inside) {
          expect(tick).toMatchObject({ claimed: 0, stopped: "busy", requests: 2, commands: 3 });
          expect(tick.nextDueAt).toBeGreaterThan(Date.now() - 60_000);
        }
        expect(await door.everything()).toEqual({});
        await produce("e");
        expect(await make({ continuation: chain }).run()).toMatchObject({ acked: 1 });
        expect(await make({ continuation: chain }).run()).toMatchObject({
          stopped: "empty",
          requests: 1,
          commands: 1,
        });
      });

      it("tells a tick no longer that the chain is live when its last lease has ended, whoever died", async () => {
        const chain = { name: "test", invoke: async () => null };
        const base = `{${list}}`;
        await produce("a");
        let whileLive: Record<string, unknown> = {};
        let busyMs = 0;
        let leaseEnd = 0;
        await make({
          continuation: chain,
          handler: async () => {
            whileLive = await door.everything();
            const [now, left] = [await door.redis.time(), await door.redis.pttl(`${base}:busy`)];
            busyMs = Number(now[0]) * 1_000 + Math.floor(Number(now[1]) / 1_000) + left;
            const [, end] = (await door.redis.call(
              "ZRANGE",
              `${base}:leases`,
              0,
              -1,
              "WITHSCORES",
            )) as string[];
            leaseEnd = Number(end);
          },
        }).run();

        expect(Object.keys(whileLive)).toContain(`${base}:busy`);
        expect(busyMs).toBeLessThanOrEqual(leaseEnd + 2);
        expect(busyMs).toBeGreaterThan(leaseEnd - 1_000);
      });

      it("counts maxConcurrency before it tells ticks to stay away", async () => {
        const chain = { name: "test", invoke: async () => null };
        await produce("a", "b", "c");
        const inside: unknown[] = [];
        const more = (depth: number): Drain =>
          make({
            batchSize: 1,
            maxConcurrency: 2,
            prefetch: 0,
            continuation: chain,
            handler: async () => {
              if (inside.length < 2) inside.push(await more(depth + 1).run({ maxMessages: 1 }));
            },
          });
        await more(0).run({ maxMessages: 1 });

        expect(inside).toMatchObject([
          { claimed: 0, stopped: "busy", requests: 2 },
          { claimed: 1, acked: 1, stopped: "limit" },
        ]);
      });

      it("lets as many drains live as maxConcurrency says, however many batches each holds", async () => {
        await produce("c");
        await door.redis.zadd(
          `{${list}}:leases`,
          Date.now() + 600_000,
          "one.1",
          Date.now() + 600_000,
          "one.2",
        );

        expect(await make({ maxConcurrency: 1 }).run()).toMatchObject({ stopped: "busy" });
        expect(await make({ maxConcurrency: 2 }).run()).toMatchObject({ acked: 1 });
      });
    }
  });
}
