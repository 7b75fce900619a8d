import { expect, it } from "vitest";
import { seeded } from "../prove/random.ts";
import { useChainWorld } from "../support/lambda/chain-world.ts";

const world = useChainWorld({ messageCount: 12_000, budgetMs: 2_000 });

it("12,000 messages through self-invocations of 2 s, 30 % of which are throttled: each message once", async () => {
  const lambda = await world.deploy();
  const random = seeded(7);
  let throttledCount = 0;
  lambda.decide = () => {
    const isThrottled = random() < 0.3;
    if (isThrottled) throttledCount += 1;
    return isThrottled ? "throttle" : "pass";
  };
  await world.tickUntilEmpty();

  expect(world.repeated()).toEqual([]);
  expect(throttledCount).toBeGreaterThan(0);
  expect(world.outcomes()).toEqual(["returned"]);
  expect(await world.keys()).toEqual([]);
});
