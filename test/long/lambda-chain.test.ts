import { expect, it } from "vitest";
import { useChainWorld } from "../support/lambda/chain-world.ts";

const world = useChainWorld({ messageCount: 20_000, budgetMs: 2_000 });

it("20,000 messages through self-invocations of 2 s run once each, and the chain ends by itself with nothing left", async () => {
  const lambda = await world.deploy();
  await world.tick();
  await lambda.idle();

  expect(world.repeated()).toEqual([]);
  expect(world.hopCount()).toBeGreaterThanOrEqual(12);
  expect(world.outcomes()).toEqual(["returned"]);
  expect(world.chains().size).toBe(1);
  expect(await world.keys()).toEqual([]);
});
