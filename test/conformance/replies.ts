import { describe, expect, it } from "vitest";
import { deadLetter } from "../../src/index.ts";
import type { Fault } from "../support/faulty-client.ts";
import { list, numbered, only, recording, type Setup } from "./setup.ts";

/** Requests and replies may be lost or doubled, and no message is lost or runs twice for it. */
export function repliesSuite(setup: Setup): void {
  const { door, make, produce } = setup;

  describe("races", () => {
    it("loses no message whichever request or reply is lost", async () => {
      const faults: Fault[] = ["lose-request", "lose-reply"];
      for (const fault of faults) {
        for (let failing = 0; failing < 5; failing++) {
          await door.redis.flushall();
          await produce("a", "b", "c", "d");
          const { seen, handler } = recording();
          const faulty = setup.faulty(only(failing, fault));

          await make({ redis: faulty, handler, batchSize: 2 }).run();

          const everything = await door.everything();
          const held = Object.entries(everything)
            .filter(([key]) => key === list || key.includes(":working"))
            .flatMap(([, messages]) => messages as string[]);
          expect(new Set([...seen, ...held])).toEqual(new Set(["a", "b", "c", "d"]));
        }
      }
    });
  });

  if (setup.engine === "scripted") {
    it("runs a message once whichever reply is lost, and reports it as acknowledged", async () => {
      for (let failing = 0; failing < 6; failing++) {
        await door.redis.flushall();
        await produce("a", "b", "c", "d", "e");
        const { seen, handler } = recording();
        const faulty = setup.faulty(only(failing, "lose-reply"));

        const report = await make({ redis: faulty, handler, batchSize: 2 }).run();

        expect(seen).toEqual(["a", "b", "c", "d", "e"]);
        expect(report).toMatchObject({ claimed: 5, acked: 5, lostLease: 0, stopped: "empty", error: null });
        expect(await door.everything()).toEqual({});
      }
    });

    it("does the same when every request arrives twice", async () => {
      for (const prefetch of [0, 1] as const) {
        await door.redis.flushall();
        await produce("a", "bad", "c", "d", "e");
        const { seen, handler } = recording();
        const doubling = setup.faulty(() => "double");

        const report = await make({
          redis: doubling,
          prefetch,
          batchSize: 2,
          handler: (message) => {
            handler(message);
            if (message.payload === "bad") throw new Error("no");
          },
        }).run();

        expect(seen.slice(0, 3)).toEqual(["a", "bad", "c"]);
        expect(new Set(seen).size).toBe(seen.length);
        expect(report).toMatchObject({ retried: 1, error: null });
        expect(await door.delayed(list)).toEqual(["bad"]);
        expect(Object.keys(await door.everything()).filter((key) => key.includes(":working"))).toEqual([]);
      }
    });

    it("does the same when every third reply is lost, with failures and prefetch", async () => {
      const payloads = numbered(60);
      await produce(...payloads);
      const counts = new Map<string, number>();
      const faulty = setup.faulty((index) => (index % 3 === 2 ? "lose-reply" : "none"));
      const drain = make({
        redis: faulty,
        prefetch: 1,
        batchSize: 7,
        handler: (message) => {
          counts.set(message.payload, (counts.get(message.payload) ?? 0) + 1);
          if (message.payload === "m13" && message.attempt === 1) throw new Error("no");
        },
      });

      const reports = [];
      do {
        reports.push(await drain.run());
        await door.makeDue(list);
      } while ((await door.redis.exists(list, `{${list}}:delayed`)) > 0);

      expect([...counts.entries()].filter(([, count]) => count > 1)).toEqual([["m13", 2]]);
      expect(counts.size).toBe(60);
      expect(reports.reduce((sum, report) => sum + report.acked, 0)).toBe(60);
      expect(await door.everything()).toEqual({});
    });

    it("survives a script flush between any two requests", async () => {
      await produce("a", "b", "c");
      const { seen, handler } = recording();

      const report = await make({
        batchSize: 1,
        handler: async (message) => {
          handler(message);
          await door.redis.script("FLUSH");
        },
      }).run();

      expect(seen).toEqual(["a", "b", "c"]);
      expect(report).toMatchObject({ acked: 3, error: null });
    });

    it("reports the acknowledged although the next claim then fails", async () => {
      await produce("a");

      const report = await make({
        handler: async () => {
          await door.redis.set(list, "a string");
        },
      }).run();

      expect(report).toMatchObject({ acked: 1, stopped: "error" });
      expect(await door.everything()).toEqual({ [list]: "a string" });
    });

    it("are redriven and purged once, whichever reply is lost", async () => {
      for (let failing = 0; failing < 8; failing++) {
        await door.redis.flushall();
        await produce(...numbered(150));
        await make({ handler: () => deadLetter("no") }).run();
        const redis = setup.faulty(only(failing, "lose-reply"));

        expect(await make({ redis }).deadLetters.redrive({ max: 120 })).toEqual({ redriven: 120 });

        expect(await door.waiting(list)).toEqual(numbered(120));
        expect(await make({ redis }).deadLetters.purge()).toEqual({ purged: 30 });
      }
    });
  }
}
