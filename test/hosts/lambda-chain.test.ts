import { describe, expect, it } from "vitest";
import { useChainWorld } from "../support/lambda/chain-world.ts";

/** `test/long/lambda-chain.test.ts` is the same with more messages, walls, kills and throttling. */
describe("4,000 messages through self-invocations of 2 s", () => {
  const world = useChainWorld({ messageCount: 4_000, budgetMs: 2_000 });

  it("run each message once, and the chain ends by itself with nothing left", async () => {
    const lambda = await world.deploy();
    await world.tick();
    await lambda.idle();

    expect(world.repeated()).toEqual([]);
    expect(world.hopCount()).toBeGreaterThanOrEqual(3);
    expect(world.outcomes()).toEqual(["returned"]);
    expect(world.chains().size).toBe(1);
    expect(await world.keys()).toEqual([]);
  });
});
