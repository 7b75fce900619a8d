import { expect, it } from "vitest";
import { hopOf, useChainWorld } from "../support/lambda/chain-world.ts";
import type { Lambda } from "../support/lambda/emulator.ts";

const world = useChainWorld({ messageCount: 20_000, budgetMs: 2_000 });

it("20,000 messages under the recursion wall: the chain stops before it, and a tick of the schedule takes over", async () => {
  const lambda = await world.deploy({
    recursiveLoop: "Terminate",
    environment: { SPILLWAY_RECURSIVE_LOOP: "" },
  });
  await world.tickUntilEmpty();

  expect(world.repeated()).toEqual([]);
  expect(lambda.dropped).toEqual([]);
  expect(world.chains().size).toBeGreaterThanOrEqual(2);
  // One request finds the mark of the live chain, one more asks until when it holds.
  expect(ticksThatWereBusy(lambda)).toContain(2);
  expect(Math.max(...lambda.invocations.map(({ lineage }) => lineage))).toBeLessThan(16);
  expect(await world.keys()).toEqual([]);
});

/** What each tick cost that found a live chain, in requests. */
function ticksThatWereBusy(lambda: Lambda): number[] {
  const reports = lambda.invocations.flatMap((invocation) =>
    hopOf(invocation) === null ? [invocation.result as { stopped: string; requests: number }] : [],
  );
  return reports.filter(({ stopped }) => stopped === "busy").map(({ requests }) => requests);
}
