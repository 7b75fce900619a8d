import { describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { createDrain, type DeadLetter, type DeadLetters, deadLetter, OptionError } from "../../src/index.ts";
import { hostileValues } from "../support/hostile-values.ts";

async function threeDead(): Promise<DeadLetters> {
  const redis = memory();
  await redis.command(["LPUSH", "mail", "a", "b", "c"]);
  const drain = createDrain({ redis, list: "mail", handler: () => deadLetter("no") });
  await drain.run();
  return drain.deadLetters;
}

describe("a filter of dead letters", () => {
  it("may be async", async () => {
    const deadLetters = await threeDead();
    const filter = async ({ payload }: DeadLetter): Promise<boolean> => payload === "b";

    expect(await deadLetters.list({ filter })).toMatchObject([{ payload: "b" }]);
    expect(await deadLetters.purge({ filter, dryRun: true })).toEqual({ purged: 1 });
    expect(await deadLetters.purge({ filter })).toEqual({ purged: 1 });
    expect((await deadLetters.list()).map(({ payload }) => payload)).toEqual(["a", "c"]);
  });

  it.each(hostileValues)("that gives %s takes nothing", async (_, make) => {
    const deadLetters = await threeDead();

    const refuses = (call: Promise<unknown>): Promise<boolean> =>
      call.then(
        () => false,
        () => true,
      );
    expect(await refuses(deadLetters.purge({ filter: make as never }))).toBe(true);
    expect(await refuses(deadLetters.redrive({ filter: make as never }))).toBe(true);
    expect(await deadLetters.count()).toBe(3);
  });

  it("that throws for the last of them takes none before it", async () => {
    const deadLetters = await threeDead();
    const filter = ({ payload }: DeadLetter): boolean => {
      if (payload === "c") throw new Error("no");
      return true;
    };

    await expect(deadLetters.purge({ filter })).rejects.toThrow("no");
    expect(await deadLetters.count()).toBe(3);
    await expect(deadLetters.purge({ filter: (() => 1) as never })).rejects.toThrow(OptionError);
  });
});
