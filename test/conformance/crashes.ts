import { describe, expect, it } from "vitest";
import type { DeadLetter, DrainReport } from "../../src/index.ts";
import { runMortal } from "./mortal.ts";
import { list, numbered, type Setup } from "./setup.ts";

/** A crash counts as an attempt, and a poison message takes no neighbour with it. */
export function crashesSuite(setup: Setup): void {
  const { door, make, produce } = setup;

  describe("a poison message that kills its process", () => {
    it.each([
      [30, 100, 5],
      [1, 100, 5],
      [30, 10, 3],
      [12, 5, 2],
    ])(
      "(with %i messages, batches of %i and %i attempts) ends in the dead letters as crashed after maxAttempts deliveries, and takes no neighbour with it",
      async (count, batchSize, maxAttempts) => {
        await produce(...numbered(count));
        const poisonPayload = `m${Math.floor(count / 2)}`;
        let deliveries = 0;
        const handled = new Map<string, number>();
        const told: DeadLetter[] = [];

        let runs = 0;
        for (let outcome: DrainReport | "died" = "died"; outcome === "died"; runs++) {
          expect(runs).toBeLessThan(20);
          outcome = await runMortal(
            setup,
            (message) => {
              if (message.payload !== poisonPayload) return false;
              deliveries += 1;
              return true;
            },
            {
              batchSize,
              maxAttempts,
              on: { "message:dead-lettered": ({ letter }) => void told.push(letter) },
              handler: (message) =>
                void handled.set(message.payload, (handled.get(message.payload) ?? 0) + 1),
            },
          );
        }

        expect(deliveries).toBe(maxAttempts);
        expect(handled.size).toBe(count - 1);
        const deadLetters = await make().deadLetters.list();
        expect(deadLetters).toMatchObject([
          { payload: poisonPayload, reason: "crashed", attempts: maxAttempts },
        ]);
        expect(told).toMatchObject([{ payload: poisonPayload, reason: "crashed" }]);
        expect(Object.keys(await door.everything())).toEqual([`{${list}}:dead`]);
      },
    );

    it("has its company shrink from crash to crash, until it is alone", async () => {
      await produce(...numbered(300));
      const batches: number[] = [];
      for (let crash = 0; crash < 4; crash++) {
        await runMortal(setup, () => true, { maxAttempts: 6 });
        batches.push(0);
        for (const key of await door.redis.keys(`{${list}}:working:*`)) {
          batches[crash] = (batches[crash] ?? 0) + (await door.redis.llen(key));
        }
      }
      expect(batches).toEqual([100, 10, 1, 1]);
    });

    it("is never claimed ahead of, or beside, messages that have crashed nothing", async () => {
      await produce("poison", ...numbered(40));
      await runMortal(setup, ({ payload }) => payload === "poison", { batchSize: 20, prefetch: 1 });
      const inHand: number[] = [];

      await make({
        prefetch: 1,
        batchSize: 20,
        handler: async ({ attempt }) => {
          if (attempt > 1) inHand.push((await door.redis.keys(`{${list}}:working:*`)).length);
        },
      }).run();

      expect(new Set(inHand)).toEqual(new Set([1]));
      expect(await door.everything()).toEqual({});
    });
  });
}
