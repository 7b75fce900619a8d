import { describe, expect, it } from "vitest";
import { shouldContinue, wakeAfterMs } from "../../src/continuation.ts";
import {
  type Continuation,
  createDrain,
  type NextDrain,
  type RedisClient,
  type RedisReply,
  type RunOptions,
} from "../../src/index.ts";
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

  it("is woken by a timer only where nothing but waiting is left, and never in the past", () => {
    expect(wakeAfterMs("empty", 0, 5_000, 1_000)).toBe(4_000);
    expect(wakeAfterMs("braked", 7, 5_000, 1_000)).toBe(4_000);
    expect(wakeAfterMs("empty", 0, 500, 1_000)).toBe(0);
    expect(wakeAfterMs("empty", 0, null, 1_000)).toBe(null);
    for (const stopped of ["busy", "paused", "aborted", "error"] as const) {
      expect(wakeAfterMs(stopped, 0, 5_000, 1_000)).toBe(null);
    }
  });

  it("is woken also where the budget or the limit ended with the very last message", () => {
    for (const stopped of ["budget", "limit"] as const) {
      expect(wakeAfterMs(stopped, 0, 5_000, 1_000)).toBe(4_000);
      expect(wakeAfterMs(stopped, 1, 5_000, 1_000)).toBe(null);
      expect(wakeAfterMs(stopped, null, 5_000, 1_000)).toBe(null);
    }
  });
});

/** A Redis that always has one more message, and takes every settle. */
function endless(): RedisClient {
  const command = async ([name, ...args]: readonly (string | number)[]): Promise<RedisReply> => {
    if (name === "EXISTS") return 1;
    const isClaim = args[9 + 4] !== "";
    const settled = args[9 + 1] === "" ? 0 : 1;
    return [settled, isClaim ? 1 : 0, isClaim ? ["m"] : [], [], 1_000, 9_000, 0, -1, 7, "", 1, "", 6, [], 0];
  };
  return {
    name: "endless",
    command,
    pipeline: () => Promise.reject(new Error("not used")),
    close: async () => undefined,
  };
}

describe("a drain whose budget ends", () => {
  const run = (invoke: Continuation["invoke"], runOptions: RunOptions = {}) => {
    const clock = new ManualClock();
    return createDrain({
      redis: endless(),
      list: "mail",
      clock,
      handler: () => clock.advance(900),
      continuation: { name: "test", invoke },
    }).run({ budgetMs: 10_000, chain: { id: "c", hop: 3 }, ...runOptions });
  };

  it("invokes the next one once, after everything is settled, and says with what", async () => {
    const hops: unknown[] = [];
    const report = await run(async (...args: unknown[]) => {
      hops.push(args[0]);
      return null;
    });

    expect(report).toMatchObject({ stopped: "budget", continuedWith: "test", error: null });
    expect(report.acked).toBe(report.claimed);
    expect(hops).toMatchObject([{ list: "mail", chain: { id: "c", hop: 4 } }]);
    expect((hops[0] as NextDrain).timeoutMs).toBeGreaterThanOrEqual(500);
  });

  it("says why a continuation declined, which is no error", async () => {
    const report = await run(async () => ({ declined: "near the wall" }));

    expect(report).toMatchObject({ continuedWith: null, declined: "near the wall", error: null });
  });

  it("stops a few requests short of maxRequests, handlers' own included, and goes on in the next one", async () => {
    const bare = await run(async () => null, { maxRequests: 20, budgetMs: 60_000 });
    const shared = await run(async () => null, {
      maxRequests: 20,
      requestsPerMessage: 2,
      budgetMs: 60_000,
    });

    expect(bare).toMatchObject({ stopped: "budget", continuedWith: "test", acked: bare.claimed });
    expect(bare.requests).toBeGreaterThan(8);
    expect(bare.requests).toBeLessThan(20);
    expect(shared).toMatchObject({ stopped: "budget", acked: shared.claimed });
    expect(shared.claimed).toBeGreaterThan(1);
    expect(shared.requests + 2 * shared.claimed).toBeLessThanOrEqual(20);
  });

  it("reports a continuation that failed, and stands by its own work", async () => {
    const report = await run(() => Promise.reject(new Error("throttled")));

    expect(report).toMatchObject({ stopped: "budget", continuedWith: null });
    expect(report.error?.message).toBe("throttled");
    expect(report.acked).toBeGreaterThan(0);
  });
});
