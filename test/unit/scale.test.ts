import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import {
  createDrain,
  type DrainOptions,
  type NextDrain,
  OptionError,
  readHop,
  scaleOut,
  writeHop,
} from "../../src/index.ts";
import { hopMax } from "../../src/limits.ts";
import { makeRunner } from "../../src/run/runner.ts";
import {
  branchesWanted,
  drainsWanted,
  helperId,
  helpersWanted,
  isBeginning,
  isSurplus,
  type Outlook,
  slotOf,
  slotsToStart,
} from "../../src/scale/scale.ts";
import { Waves } from "../../src/scale/scale-out.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** A drain alone with more than enough for all, but for what is given. */
function outlook(given: Partial<Outlook> = {}): Outlook {
  return {
    remaining: 100_000,
    live: 1,
    rank: 0,
    maxConcurrency: 64,
    msPerMessage: 10,
    withinMs: 2_000,
    ...given,
  };
}

const outlooks = fc
  .record({
    remaining: fc.nat(1e9),
    live: fc.integer({ min: 1, max: 1_000 }),
    rank: fc.constant(0),
    maxConcurrency: fc.integer({ min: 1, max: 1_000 }),
    msPerMessage: fc.double({ min: 0, max: 1e6, noNaN: true }),
    withinMs: fc.integer({ min: 1, max: 86_400_000 }),
  })
  .filter(({ live, maxConcurrency }) => live <= maxConcurrency);

const everyRank = (of: Outlook): Outlook[] => Array.from({ length: of.live }, (_, rank) => ({ ...of, rank }));

describe("how many drains a drain starts", () => {
  it.each<[string, Partial<Outlook>, number]>([
    ["four, where it is alone and there is work for more", {}, 4],
    ["none, where it can do the rest in time", { remaining: 200 }, 0],
    ["one, where two can", { remaining: 400 }, 1],
    ["none, where the list is empty", { remaining: 0 }, 0],
    ["none, where as many live as may", { maxConcurrency: 1 }, 0],
    ["one, where one more may live", { maxConcurrency: 2 }, 1],
    ["none, where one more may live and another comes first", { maxConcurrency: 3, live: 2, rank: 1 }, 0],
    ["one, where one more may live and it comes first", { maxConcurrency: 3, live: 2, rank: 0 }, 1],
    ["none, where messages take no time at all", { msPerMessage: 0 }, 0],
    ["none, where it is not known what they take", { msPerMessage: Number.NaN }, 0],
  ])("is %s", (_title, given, count) => {
    expect(helpersWanted(outlook(given))).toBe(count);
  });

  it("is for all that live together no more than is wanted and may live, and four each at most", () => {
    fc.assert(
      fc.property(outlooks, (of) => {
        const each = everyRank(of).map(helpersWanted);
        const together = each.reduce((sum, count) => sum + count, 0);
        expect(Math.max(...each)).toBeLessThanOrEqual(4);
        expect(of.live + together).toBeLessThanOrEqual(Math.max(of.live, drainsWanted(of)));
        expect(drainsWanted(of)).toBeLessThanOrEqual(of.maxConcurrency);
      }),
    );
  });

  it("brings as many as are wanted in as few waves as it takes to make five of one", () => {
    fc.assert(
      fc.property(outlooks, (of) => {
        let live = 1;
        for (let wave = 0; wave < wavesTo(drainsWanted(of), 5); wave++) {
          live += everyRank({ ...of, live }).reduce((sum, one) => sum + helpersWanted(one), 0);
        }
        expect(live).toBe(drainsWanted(of));
      }),
    );
  });

  it("is, as a chain begins, its own branches of the tree: all that are wanted come, none twice, whatever it sees of the others", () => {
    fc.assert(
      fc.property(outlooks, fc.infiniteStream(fc.nat()), (of, chosen) => {
        const wanted = drainsWanted(of);
        const any = (below: number): number => (chosen.next().value as number) % below;
        const waiting = slotsToStart(0, helpersWanted({ ...of, live: 1 }), 0, of.maxConcurrency);
        const started = new Set([0, ...waiting]);
        for (let begun = 1; waiting.length > 0; ) {
          const [slot] = waiting.splice(any(waiting.length), 1) as [number];
          begun += 1;
          // It sees some of the drains that have begun before it.
          const live = 1 + any(begun);
          const count = branchesWanted({ ...of, live }, slot);
          for (const next of slotsToStart(slot, count, 0, of.maxConcurrency)) {
            expect(started.has(next)).toBe(false);
            started.add(next);
            waiting.push(next);
          }
        }
        expect(started.size).toBe(wanted);
      }),
    );
  });

  it.each<[string, number, Partial<Outlook>, number]>([
    ["four, where few live", 1, { live: 2 }, 4],
    ["those of its branches that are wanted", 1, { live: 2, maxConcurrency: 7 }, 2],
    ["no more than are missing", 1, { live: 62 }, 2],
    ["none, where all live that are wanted", 1, { live: 64 }, 0],
    ["none, where its branches are beyond what is wanted", 2, { maxConcurrency: 9 }, 0],
    ["none, where it is not known what messages take", 1, { msPerMessage: Number.NaN }, 0],
  ])("is, as a chain begins, %s", (_title, slot, given, count) => {
    expect(branchesWanted(outlook(given), slot)).toBe(count);
  });

  it("is none at first for a tick that comes beside others, so that many at once start no more than one does", () => {
    const tick = { id: "tick", hop: 0 };
    expect(new Waves(tick).decide(outlook({ live: 1 }), 0)).toBe(4);
    expect(new Waves({ id: "tick", hop: 1 }).decide(outlook({ live: 50, rank: 9 }), 0)).toBe(1);
    const late = new Waves(tick);
    const of = outlook({ live: 50, rank: 9 });
    expect([late.decide(of, 0), late.isDue(999), late.isDue(1_000)]).toEqual([0, false, true]);
    expect(late.decide(of, 1_000)).toBe(1);
  });

  it("does not flap: no drain ends its chain where any would start another", () => {
    fc.assert(
      fc.property(outlooks, (of) => {
        const all = everyRank(of);
        const isAnySurplus = all.some(isSurplus);
        expect(isAnySurplus && all.some((one) => helpersWanted(one) > 0)).toBe(false);
        // Nor once those have ended.
        const left = all.filter((one) => !isSurplus(one)).length;
        expect(left).toBeGreaterThanOrEqual(1);
        if (isAnySurplus) expect(helpersWanted({ ...of, live: left })).toBe(0);
      }),
    );
  });
});

/** How many waves it takes until there are so many, where each makes `times` of one. */
function wavesTo(count: number, times: number): number {
  let waves = 0;
  for (let live = 1; live < count; live *= times) waves += 1;
  return waves;
}

describe("the numbers of a list's chains", () => {
  it("differ within a wave, and reach every chain from any other in as few waves as it takes", () => {
    for (const count of [2, 3, 8, 13, 64, 1_000]) {
      for (const from of [0, 1, count - 1]) {
        let wave = new Set([from]);
        const seen = new Set(wave);
        for (let step = 0; step < wavesTo(count, 4); step++) {
          const next = [...wave].flatMap((slot) => slotsToStart(slot, 4, 0, count));
          wave = new Set(next);
          for (const slot of next) seen.add(slot);
        }
        expect(seen.size).toBe(count);
      }
    }
  });

  it("are never its own, and in the end all others, whether it asks for one or for two", () => {
    for (const count of [2, 3, 4, 8, 64]) {
      for (const [slot, howMany] of [
        [0, 1],
        [2 % count, 1],
        [count - 1, 2],
      ] as const) {
        const asked = new Set<number>();
        for (let before = 0; before <= count; before += howMany) {
          for (const next of slotsToStart(slot, howMany, before, count)) asked.add(next);
        }
        expect(asked.has(slot)).toBe(false);
        expect(asked.size).toBe(count - 1);
      }
    }
    expect(slotsToStart(0, 2, 0, 1)).toEqual([]);
  });

  it("stand in the chain's id, with the first chain's, and fit a hop however long that is", () => {
    const first = helperId({ id: "morning", hop: 0 }, "r1", 1);
    const second = helperId({ id: first, hop: 7 }, "r2", 4);
    expect([first, second]).toEqual(["morning.r1~1.1", "morning.r2~4.8"]);
    expect(["morning", first, second, "a~12", "a~b", "a~12345"].map(slotOf)).toEqual([0, 1, 4, 12, 0, 0]);
    const longest = helperId({ id: "c".repeat(200), hop: hopMax - 1 }, "r".repeat(100), 1_249);
    expect(readHop(writeHop({ list: "mail", chain: { id: longest, hop: hopMax } }))).not.toBeNull();
    expect(slotOf(longest)).toBe(1_249);
  });

  it("tell the first drain of a chain from those that go on with it", () => {
    const id = helperId({ id: "morning", hop: 3 }, "r1", 1);
    expect([4, 5].map((hop) => isBeginning({ id, hop }))).toEqual([true, false]);
    expect([0, 1].map((hop) => isBeginning({ id: "morning", hop }))).toEqual([false, false]);
  });
});

/** What a drain over so many messages, each of 10 ms, starts. */
async function startedBy(options: Partial<DrainOptions>, run: object = {}, count = 1_000) {
  const clock = new ManualClock();
  const started: NextDrain[] = [];
  const invoke = async (next: NextDrain) => {
    started.push(next);
    return null;
  };
  const redis = memory();
  const drain = createDrain({
    redis,
    list: "mail",
    clock,
    batchSize: 20,
    concurrency: 1,
    prefetch: 0,
    maxConcurrency: 8,
    continuation: { name: "test", invoke },
    handler: () => clock.advance(10),
    ...options,
  } as DrainOptions);
  // Past `push`, which would wake a drain of its own.
  await redis.command(["LPUSH", "mail", ...Array.from({ length: count }, () => "message")]);
  const report = await drain.run({ budgetMs: 60_000, ...run });
  return { report, started };
}

describe("a drain that finds more than it can do in time", () => {
  it("starts others with the first reply that its pace is known for, each in a chain of its own", async () => {
    const { report, started } = await startedBy({}, { chain: { id: "tick", hop: 4 }, maxMessages: 40 });
    expect(started.map(({ chain }) => chain)).toMatchObject([
      { id: expect.stringMatching(/^tick\.[\w-]+~1\.5$/), hop: 5, paceUs: 10_000 },
      { id: expect.stringMatching(/^tick\.[\w-]+~2\.5$/), hop: 5, paceUs: 10_000 },
      { id: expect.stringMatching(/^tick\.[\w-]+~3\.5$/), hop: 5, paceUs: 10_000 },
      { id: expect.stringMatching(/^tick\.[\w-]+~4\.5$/), hop: 5, paceUs: 10_000 },
    ]);
    expect(new Set(started.map(({ sendId }) => sendId)).size).toBe(4);
    expect(report).toMatchObject({ started: 4, error: null });
  });

  it("starts them with its very first claim where the hop tells the pace", async () => {
    const run = { chain: { id: "tick", hop: 4, paceUs: 10_000 }, maxMessages: 20 };
    expect((await startedBy({}, run)).report.started).toBe(4);
  });

  it("starts the first branches of all where no other lives, whatever its own number", async () => {
    const chain = { id: "tick.r~7.1", hop: 9, paceUs: 10_000 };
    const { started } = await startedBy({ maxConcurrency: 64 }, { chain, maxMessages: 20 });
    expect(started.map(({ chain }) => slotOf(chain.id))).toEqual([1, 2, 3, 4]);
  });

  it("starts as many again a second later, where none of them came to live", async () => {
    const { started } = await startedBy({}, { maxMessages: 160 });
    expect(started.map(({ chain }) => slotOf(chain.id))).toEqual([1, 2, 3, 4, 5, 6, 7, 1]);
  });

  it.each<[string, Partial<DrainOptions>, object?, number?]>([
    ["scaleOut is false", { scaleOut: false }],
    ["one drain may live", { maxConcurrency: 1 }],
    ["it has time enough", { scaleOut: scaleOut({ withinMs: 60_000 }) }],
    ["its chain has as many hops as it may have", {}, { chain: { id: "tick", hop: 1_000_000_000 } }],
    ["every message fails", { brake: false, handler: () => Promise.reject(new Error("as told")) }],
    ["there is little", {}, {}, 100],
  ])("starts none where %s", async (_title, options, run = {}, count = 1_000) => {
    const { report } = await startedBy(options, { maxMessages: 300, ...run }, count);
    expect(report).toMatchObject({ started: 0, error: null });
    expect(report.claimed).toBeGreaterThan(20);
  });

  it("says so where its chain may have no more hops", async () => {
    const { report } = await startedBy(
      { continuation: { name: "test", maxHops: 4, invoke: async () => null } },
      { chain: { id: "tick", hop: 4 }, maxMessages: 40 },
    );
    expect(report).toMatchObject({ started: 0, declined: expect.stringMatching(/hop 4 .*maxHops is 4/) });
  });

  it("is none the worse where they cannot be started, and says so", async () => {
    for (const invoke of [
      async () => ({ declined: "Not now." }),
      async () => {
        throw new Error("Not now.");
      },
    ]) {
      const { report } = await startedBy({ continuation: { name: "test", invoke } }, { maxMessages: 40 });
      expect(report).toMatchObject({ stopped: "limit", acked: 40, started: 0, error: null });
      expect(report.declined).toMatch(/^No other drain was started: .*Not now\.$/);
    }
  });

  it("asks the continuation's own verb for a chain beside this one, where it has one", async () => {
    const beside: NextDrain[] = [];
    const { started } = await startedBy(
      {
        continuation: {
          name: "test",
          invoke: () => Promise.reject(new Error("not this one")),
          invokeBeside: async (next) => {
            beside.push(next);
            return null;
          },
        },
      },
      { maxMessages: 40 },
    );
    expect([started.length, beside.length]).toEqual([0, 4]);
  });
});

describe("the option scaleOut", () => {
  const base = { redis: memory(), list: "mail", handler: () => undefined };
  const continuation = { name: "test", invoke: async () => null };

  it.each<[string, object]>([
    ["a number", { scaleOut: 1, maxConcurrency: 2, continuation }],
    ["true where one drain may live", { scaleOut: true, continuation }],
    ["true without a continuation", { scaleOut: true, maxConcurrency: 2 }],
    ["true for the plain engine", { scaleOut: true, maxConcurrency: 2, continuation, engine: "plain" }],
  ])("is refused as %s", (_title, options) => {
    expect(() => createDrain({ ...base, ...options } as DrainOptions)).toThrow(OptionError);
  });

  it("is refused as true where a Worker has not been given what it stands for", () => {
    const options = { ...base, scaleOut: true, maxConcurrency: 2, continuation };
    expect(() => makeRunner(options)).toThrow(/scaleOut\(\)/);
    expect(() => makeRunner({ ...options, scaleOut: scaleOut() })).not.toThrow();
  });

  it.each([0, -1, 1.5, Number.NaN, 1e21, "2000", null])("does not take withinMs: %s", (withinMs) => {
    expect(() => scaleOut({ withinMs } as { withinMs: number })).toThrow(OptionError);
  });
});
