import { expect, it } from "vitest";
import { useChainWorld } from "../support/lambda/chain-world.ts";

const messageCount = 8_000;
const spinsAt = 4_000;
/** What a drain may have in its hands: the batch it works on, and the one claimed ahead. */
const inFlightMax = 200;

const world = useChainWorld({ messageCount, budgetMs: 2_000 });

it("8,000 messages through self-invocations of 2 s that are killed at their timeout in the middle of batches: only what was in flight runs again", async () => {
  const lambda = await world.deploy({ environment: { SPINS_AT: String(spinsAt) } });
  await world.tickUntilEmpty();

  const killed = lambda.invocations.filter(({ outcome }) => outcome === "timed-out");
  expect(killed.length).toBe(messageCount / spinsAt);
  expect(world.repeated().length).toBeLessThanOrEqual(killed.length * inFlightMax);
  expect(await world.keys()).toEqual([]);
});
