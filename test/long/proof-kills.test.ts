import { expect, it } from "vitest";
import { proveKills } from "../prove/kills.ts";

it("where processes and a Redis are killed at any moment, nothing is lost, and only what was in flight repeats", async () => {
  const { isHolding, line, problems } = await proveKills({ kills: 60, seed: 1 });
  expect(isHolding, [line, ...problems].join("\n")).toBe(true);
});
