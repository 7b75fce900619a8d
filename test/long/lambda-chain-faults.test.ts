import { describe, expect, it } from "vitest";
import { seeded } from "../prove/random.ts";
import { useChainWorld } from "../support/lambda/chain-world.ts";

const messageCount = 20_000;
const spinsAt = 10_000;
/** What a drain may have in its hands: the batch it works on, and the one claimed ahead. */
const inFlightMax = 200;

describe("20,000 messages through self-invocations of 2 s that are killed or throttled", () => {
  const world = useChainWorld({ messageCount, budgetMs: 2_000 });

  it("with invocations killed at their timeout in the middle of batches: only what was in flight runs again", async () => {
    const lambda = await world.deploy({ environment: { SPINS_AT: String(spinsAt) } });
    await world.tickUntilEmpty();

    const killed = lambda.invocations.filter(({ outcome }) => outcome === "timed-out");
    expect(killed.length).toBe(messageCount / spinsAt);
    expect(world.repeated().length).toBeLessThanOrEqual(killed.length * inFlightMax);
    expect(await world.keys()).toEqual([]);
  });

  it("with 30 % of the invokes throttled: each message once", async () => {
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
});
