import { describe, expect, it } from "vitest";
import { shouldContinue } from "../../src/continuation.ts";
import { createDrain, type RedisClient, type RedisReply } from "../../src/index.ts";
import { ManualClock } from "../support/manual-clock.ts";

describe("a chain", () => {
  it("goes on only where time ran out, after progress, with something left", () => {
    expect(shouldContinue("budget", 5, 10)).toBe(true);
    expect(shouldContinue("budget", 5, null)).toBe(true);
    expect(shouldContinue("budget", 0, 10)).toBe(false);
    expect(shouldContinue("budget", 5, 0)).toBe(false);
    for (const stopped of ["empty", "limit", "busy", "aborted", "error"] as const) {
      expect(shouldContinue(stopped, 5, 10)).toBe(false);
    }
  });
});

/** A Redis that always has one more message, and takes every settle. */
function endless(): RedisClient {
  const command = async ([name, ...args]: readonly (string | number)[]): Promise<RedisReply> => {
    if (name === "EXISTS") return 1;
    const isClaim = args[8 + 4] !== "";
    const settled = args[8 + 1] === "" ? 0 : 1;
    return [settled, isClaim ? 1 : 0, isClaim ? ["m"] : [], [], 1_000, 9_000, 0, -1, 7, "", 1, "", 6, []];
  };
  return {
    name: "endless",
    command,
    pipeline: () => Promise.reject(new Error("not used")),
    close: async () => undefined,
  };
}

describe("a drain whose budget ends", () => {
  const run = (invoke: () => Promise<void>) => {
    const clock = new ManualClock();
    return createDrain({
      redis: endless(),
      list: "mail",
      clock,
      handler: () => clock.advance(900),
      continuation: { name: "test", invoke },
    }).run({ budgetMs: 10_000, chain: { id: "c", hop: 3 } });
  };

  it("invokes the next one once, after everything is settled, and says with what", async () => {
    const hops: unknown[] = [];
    const report = await run(async (...args: unknown[]) => void hops.push(args[0]));

    expect(report).toMatchObject({ stopped: "budget", continuedWith: "test", error: null });
    expect(report.acked).toBe(report.claimed);
    expect(hops).toEqual([{ list: "mail", chain: { id: "c", hop: 4 } }]);
  });

  it("reports a continuation that failed, and stands by its own work", async () => {
    const report = await run(() => Promise.reject(new Error("throttled")));

    expect(report).toMatchObject({ stopped: "budget", continuedWith: null });
    expect(report.error?.message).toBe("throttled");
    expect(report.acked).toBeGreaterThan(0);
  });
});
