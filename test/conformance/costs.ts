import { describe, expect, it } from "vitest";
import * as limits from "../../src/limits.ts";
import { numbered, type Setup } from "./setup.ts";

/** How few commands runs cost, and what the verbs beside `run` tell. */
export function costsSuite(setup: Setup): void {
  const { door, make, produce } = setup;

  describe("housekeeping", () => {
    it("tells how many messages are where", async () => {
      await produce("a", "b", "c");
      let during: unknown;
      const drain = make({
        batchSize: 2,
        handler: async (message) => {
          if (message.payload === "a") during = await drain.stats();
        },
      });

      await drain.run();

      expect(during).toMatchObject({ list: 1, working: 2, delayed: 0, dead: 0 });
      expect(await drain.stats()).toMatchObject({ list: 0, working: 0, leases: 0 });
    });

    it("counts requests and commands as Redis itself does", async () => {
      await produce(...Array.from({ length: 95 }, (_, at) => `m${at % 40}`));
      await make().stats();
      await make().run({ maxMessages: 5 });
      await door.resetCommandCount();

      const report = await make({
        batchSize: 20,
        handler: (message) => {
          if (message.payload === "m7") throw new Error("no");
        },
      }).run();

      expect(report.retried).toBeGreaterThan(0);
      expect(await door.commandCount()).toBe(report.commands);
    });
  });

  if (setup.engine === "scripted") {
    it("costs no more than a tenth of a command a message", async () => {
      await produce(...numbered(2_000));
      await make().run({ maxMessages: 1 });
      await door.resetCommandCount();

      const report = await make({ batchSize: 100 }).run();

      expect(report.commands).toBe(await door.commandCount());
      // On a slow machine it looks around more often: at the leases, the delayed, the histories and the brake.
      const looks = Math.floor(report.elapsedMs / limits.quietMs);
      expect(report.commands).toBeLessThanOrEqual(2_000 / 10 + 4 * looks);
    });
  }
}
