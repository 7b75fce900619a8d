import { expect, it } from "vitest";
import { proveKills } from "../prove/kills.ts";

it("processes and a Redis killed at any moment lose nothing, and repeat only what was in flight", async () => {
  const { isHolding, line, problems } = await proveKills({ kills: 60, seed: 1 });
  expect(isHolding, [line, ...problems].join("\n")).toBe(true);
});
