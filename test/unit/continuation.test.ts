import { describe, expect, it } from "vitest";
import { type Ending, shouldContinue, wakeAfterMs } from "../../src/continuation.ts";
import {
  type Continuation,
  createDrain,
  type NextDrain,
  type RedisClient,
  type RedisReply,
  type RunOptions,
} from "../../src/index.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** How a drain ended: by its budget, with five messages handled and some left, but for what is given. */
function ending(given: Partial<Ending>): Ending {
  return {
    stopped: "budget",
    progressCount: 5,
    retriedCount: 0,
    remaining: 10,
    nextDueAt: 5_000,
    leftUntil: null,
    redisNow: 1_000,
    ...given,
  };
}

describe("a chain", () => {
  it("goes on only where time ran out, after progress, with something left", () => {
    expect(shouldContinue(ending({}))).toBe(true);
    expect(shouldContinue(ending({ remaining: null }))).toBe(true);
    expect(shouldContinue(ending({ progressCount: 0, retriedCount: 5 }))).toBe(false);
    expect(shouldContinue(ending({ remaining: 0 }))).toBe(false);
    for (const stopped of ["empty", "limit", "busy", "aborted", "error"] as const) {
      expect(shouldContinue(ending({ stopped }))).toBe(false);
    }
  });

  it("is woken by a timer only where nothing but waiting is left, and never in the past", () => {
    expect(wakeAfterMs(ending({ stopped: "empty", remaining: 0 }))).toBe(4_000);
    expect(wakeAfterMs(ending({ stopped: "braked", remaining: 7 }))).toBe(4_000);
    expect(wakeAfterMs(ending({ stopped: "empty", remaining: 0, nextDueAt: 500 }))).toBe(0);
    expect(wakeAfterMs(ending({ stopped: "empty", remaining: 0, nextDueAt: null }))).toBe(null);
    for (const stopped of ["busy", "paused", "aborted", "error"] as const) {
      expect(wakeAfterMs(ending({ stopped, remaining: 0 }))).toBe(null);
    }
  });

  it("is woken also where the budget or the limit ended with the very last message", () => {
    for (const stopped of ["budget", "limit"] as const) {
      expect(wakeAfterMs(ending({ stopped, remaining: 0 }))).toBe(4_000);
      expect(wakeAfterMs(ending({ stopped, remaining: 1 }))).toBe(null);
      expect(wakeAfterMs(ending({ stopped, remaining: null }))).toBe(null);
    }
  });

  it("is woken later, and not at once, where a whole budget went to failing messages; and not for nothing", () => {
    const failed = { progressCount: 0, retriedCount: 3 };
    expect(wakeAfterMs(ending(failed))).toBe(4_000);
    expect(wakeAfterMs(ending({ ...failed, nextDueAt: 900 }))).toBe(1_000);
    expect(wakeAfterMs(ending({ ...failed, retriedCount: 0 }))).toBe(null);
    expect(wakeAfterMs(ending({ ...failed, stopped: "limit" }))).toBe(null);
  });

  it("is woken when the lease of what it left running ends, for until then its slot is taken", () => {
    const left = { leftUntil: 3_000, nextDueAt: null };
    for (const given of [{}, { progressCount: 0 }, { remaining: 0 }, { stopped: "empty" }] as const) {
      expect(wakeAfterMs(ending({ ...left, ...given }))).toBe(2_000);
    }
    expect(wakeAfterMs(ending({ ...left, nextDueAt: 1_500 }))).toBe(2_000);
    expect(wakeAfterMs(ending({ ...left, nextDueAt: 1_500, remaining: 0 }))).toBe(500);
    expect(wakeAfterMs(ending({ ...left, stopped: "error" }))).toBe(null);
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
    expect((hops[0] as NextDrain).signal.aborted).toBe(false);
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
    expect(report.error).toMatchObject({
      code: "continuation-unknown",
      message: expect.stringContaining("throttled"),
    });
    expect(report.acked).toBeGreaterThan(0);
  });
});
