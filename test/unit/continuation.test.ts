import { describe, expect, it } from "vitest";
import { type Ending, goOn, shouldContinue, wakeAfterMs } from "../../src/chain/continuation.ts";
import {
  type Continuation,
  ContinuationError,
  type ContinuationErrorCode,
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
    for (const stopped of ["busy", "aborted", "error"] as const) {
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
    const argv = args.slice(2 + Number(args[1]));
    const isClaim = argv[4] !== "";
    const settled = argv[1] === "" ? 0 : 1;
    return [
      settled,
      isClaim ? 1 : 0,
      isClaim ? ["m"] : [],
      [],
      1_000,
      9_000,
      0,
      -1,
      7,
      "",
      1,
      "",
      6,
      [],
      0,
      0,
      [],
      1,
      -1,
      0,
    ];
  };
  return {
    name: "endless",
    command,
    pipeline: () => Promise.reject(new Error("not used")),
    close: async () => undefined,
  };
}

/** A continuation that comes to what the script says, one entry a sending, and then succeeds. */
function scripted(outcomes: unknown[], more: Partial<Continuation> = {}) {
  const clock = new ManualClock();
  const sent: { at: number; next: NextDrain }[] = [];
  const continuation: Continuation = {
    name: "test",
    invoke: async (next) => {
      sent.push({ at: clock.now() - 1_000, next });
      const outcome = outcomes.length > 0 ? outcomes.shift() : null;
      if (outcome === "hangs") return new Promise(() => undefined);
      if (outcome instanceof Error) throw outcome;
      return outcome as null;
    },
    ...more,
  };
  const go = (hop = 1, timeoutMs = 2_000) =>
    goOn(continuation, ending({}), {
      list: "mail",
      chain: { id: "c", hop: hop - 1 },
      maxConcurrency: 1,
      endAt: clock.now() + timeoutMs,
      clock,
      random: () => 0,
      randomId: () => "an-id",
    });
  /** Lets all promises that wait for no timer settle, and then lets the time pass. */
  const pass = async (ms: number): Promise<void> => {
    for (let step = 0; step < ms; step += 5) {
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      clock.advance(5);
    }
  };
  return { go, pass, sent, clock };
}

const failure = (code: ContinuationErrorCode): ContinuationError => new ContinuationError(code, "as told");

describe("a hop is sent", () => {
  it("again where it was refused for now, after longer and longer waits, under one id", async () => {
    const { go, pass, sent } = scripted([
      failure("continuation-refused"),
      failure("continuation-refused"),
      failure("continuation-refused"),
    ]);
    const going = go();
    await pass(400);
    expect(await going).toBe("continued");
    expect(sent.map(({ at }) => at)).toEqual([0, 25, 75, 175]);
    expect(sent.map(({ next }) => next.sendId)).toEqual(Array(4).fill("an-id"));
    expect(sent[0]?.next).toMatchObject({ list: "mail", chain: { id: "c", hop: 1 } });
  });

  it.each<[string, unknown, ContinuationErrorCode]>([
    ["failed for good", failure("continuation-failed"), "continuation-failed"],
    ["may have been taken", failure("continuation-unknown"), "continuation-unknown"],
    ["failed in a way that it does not name", new Error("as told"), "continuation-unknown"],
    ["said nothing", undefined, "continuation-unknown"],
    ["said what is not understood", { declined: 7 }, "continuation-unknown"],
    ["said yes", true, "continuation-unknown"],
  ])("once where it %s, and that is an error", async (_title, outcome, code) => {
    const { go, sent } = scripted([outcome]);
    await expect(go()).rejects.toMatchObject({ name: "ContinuationError", code });
    expect(sent).toHaveLength(1);
  });

  it("no longer than its time, 500 ms at least, and then the last reason counts", async () => {
    const { go, pass, sent } = scripted(Array.from({ length: 99 }, () => failure("continuation-refused")));
    const going = go(1, 0);
    going.catch(() => undefined);
    await pass(600);
    await expect(going).rejects.toMatchObject({ code: "continuation-refused" });
    expect(sent.map(({ at }) => at)).toEqual([0, 25, 75, 175, 375]);
  });

  it("and waited for no longer than its time, whether or not the continuation heeds its signal", async () => {
    const { go, pass, sent } = scripted(["hangs"]);
    const going = go(1, 700);
    going.catch(() => undefined);
    await pass(695);
    expect(sent[0]?.next.signal.aborted).toBe(false);
    await pass(10);
    await expect(going).rejects.toMatchObject({
      code: "continuation-unknown",
      message: expect.stringContaining("700 ms"),
    });
    expect(sent[0]?.next.signal.aborted).toBe(true);
  });

  it("up to maxHops, and no further: then the drain declines, and says how to allow more", async () => {
    const { go, sent } = scripted([], { maxHops: 3, maxHopsHint: " Ask for more." });
    expect(await go(3)).toBe("continued");
    expect(await go(4)).toEqual({
      declined: "The chain has reached 3 hops. The next tick goes on. Ask for more.",
    });
    expect(sent).toHaveLength(1);
    expect(await scripted([], { maxHops: Number.NaN }).go(1)).toMatchObject({ declined: expect.any(String) });
  });

  it("up to the last hop that can be written, where the continuation has no limit", async () => {
    const { go } = scripted([]);
    expect(await go(1_000_000_000)).toBe("continued");
    expect(await go(1_000_000_001)).toMatchObject({ declined: expect.any(String) });
  });
});

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
