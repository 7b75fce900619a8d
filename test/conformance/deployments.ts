import { describe, expect, it } from "vitest";
import { type EveryDrainOption, retry } from "../../src/index.ts";
import { runMortal } from "./mortal.ts";
import { list, numbered, type Setup } from "./setup.ts";

type Options = Partial<EveryDrainOption<never>>;

interface Change {
  readonly title: string;
  readonly from: Options;
  readonly to: Options;
}

const changes: readonly Change[] = [
  { title: "more drains at once", from: { maxConcurrency: 1 }, to: { maxConcurrency: 8 } },
  { title: "fewer drains at once", from: { maxConcurrency: 8 }, to: { maxConcurrency: 1 } },
  { title: "larger batches, claimed ahead", from: { batchSize: 2 }, to: { batchSize: 50, prefetch: 1 } },
  { title: "smaller batches", from: { batchSize: 50, prefetch: 1 }, to: { batchSize: 1 } },
];

/** A deployment with other options loses nothing of what the one before it has in flight, wherever it stands. */
export function deploymentsSuite(setup: Setup): void {
  const { door, make, produce } = setup;

  describe("a deployment with other options, while messages are in every place,", () => {
    it.each(changes)("handles each of them: $title", async ({ from, to }) => {
      const payloads = numbered(60);
      await produce(...payloads);
      const done: string[] = [];
      const note = ({ payload }: { payload: string }): void => void done.push(payload);

      // One fails for now, and waits among the delayed; one drain dies with messages in its hands.
      const failing = async (message: { payload: string; attempt: number }) =>
        message.attempt === 1 && message.payload.endsWith("3") ? retry() : note(message);
      await make({ ...from, handler: failing } as Options).run({ maxMessages: 20 });
      const poison = done.length + 3;
      await runMortal(setup, () => done.length >= poison, { ...from, handler: note } as Options);

      // Another of the old ones is live while the new ones begin.
      await make({
        ...from,
        handler: async (message: { payload: string }) => {
          note(message);
          if (done.length % 7 === 0) await make({ ...to, handler: note } as Options).run({ maxMessages: 5 });
        },
      } as Options).run({ maxMessages: 15 });

      for (let round = 0; round < 5; round++) {
        await door.expireLeases(list);
        await door.makeDue(list);
        await make({ ...to, handler: note } as Options).run();
      }
      expect([...new Set(done)].sort()).toEqual([...payloads].sort());
      expect(await make(to).stats()).toMatchObject({ list: 0, working: 0, leases: 0, delayed: 0, dead: 0 });
    });
  });
}
