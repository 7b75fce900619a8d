import { describe, expect, it } from "vitest";
import { hopOf, useChainWorld } from "../support/lambda/chain-world.ts";
import type { Lambda } from "../support/lambda/emulator.ts";

const messageCount = 20_000;
const maxConcurrency = 8;

describe("a list that up to eight drains may drain", () => {
  const world = useChainWorld({ messageCount, budgetMs: 4_000 });

  /** One tick, and what comes of it: the most drains that were live whenever someone looked, and what was invoked. */
  const drained = async (lambda: Lambda) => {
    const before = lambda.invocations.length;
    let liveMax = 0;
    await world.tick();
    const idle = lambda.idle().then(() => true);
    const moment = (): Promise<false> => new Promise((resolve) => setTimeout(() => resolve(false), 20));
    while (!(await Promise.race([idle, moment()]))) liveMax = Math.max(liveMax, await world.liveDrains());
    return { begun: lambda.invocations.slice(before), liveMax };
  };

  it("is drained by eight from one tick, never by more, each message once; and so is the next burst", async () => {
    const lambda = await world.deploy({ environment: { MAX_CONCURRENCY: String(maxConcurrency) } });
    for (const number of [1, 2]) {
      if (number === 2) await world.push(messageCount, messageCount);
      const { begun, liveMax } = await drained(lambda);

      expect(liveMax).toBe(maxConcurrency);
      expect(await world.keys()).toEqual([]);
      expect(world.repeated(number * messageCount)).toEqual([]);
      // A machine too busy to start a process in Lambda's 10 s crashes it; no drain has begun then.
      expect(world.outcomes().filter((outcome) => outcome !== "crashed")).toEqual(["returned"]);
      // Each chain that was started has its own id; where a wave was one too many, it was told so and ended.
      const chainIds = begun.flatMap((one) => hopOf(one)?.chainId ?? []);
      const reports = begun.map(
        ({ result }) => result as { started: number; declined: string | null } | undefined,
      );
      const startedCount = reports.reduce((sum, report) => sum + (report?.started ?? 0), 0);
      expect(startedCount).toBeGreaterThanOrEqual(maxConcurrency - 1);
      const ids = new Set(chainIds.filter((id) => id.includes("~")));
      expect(ids.size).toBeGreaterThanOrEqual(startedCount);
      // On a busy machine the answer to a call may be late; that drain was started, and is told as one that was not.
      const late = reports.filter((report) => report?.declined).map((report) => report?.declined);
      expect(late.every((why) => /no answer within|enough/.test(String(why)))).toBe(true);
      if (late.length === 0) expect(ids.size).toBe(startedCount);
    }
  });
});
