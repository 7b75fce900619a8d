import { describe, expect, it } from "vitest";
import type { Ending } from "../../src/chain/continuation.ts";
import { RedisReplyError, RedisTransportError } from "../../src/errors.ts";
import { type FairRun, type Member, runFairly, type Turns } from "../../src/lists/fair-run.ts";
import { brokenReport, type DrainReport, type StopReason } from "../../src/run/report.ts";
import { seeded } from "../prove/random.ts";

/** A list of the test's own: how many messages wait, and how long a batch of them takes. */
interface FakeList {
  readonly name: string;
  readonly weight?: number;
  waiting: number;
  readonly batchMs: number;
  readonly batchCount?: number;
  /** In place of draining: why each slice stops, and with which error. */
  readonly stops?: { readonly stopped: StopReason; readonly error?: Error; readonly nextDueAt?: number };
}

/** Time that only batches spend, and everything that happens at a moment. */
class FakeWorld {
  now = 0;
  looks = 0;
  asked = 0;
  /** Which list had a batch, in order. */
  readonly batches: string[] = [];
  readonly spentMs = new Map<string, number>();
  readonly turns: Turns = { at: 0, credits: new Map() };
  /** Called before each batch. */
  onBatch: () => void = () => undefined;
  readonly lists: readonly FakeList[];

  constructor(lists: readonly FakeList[]) {
    this.lists = lists;
  }

  run(budgetMs: number, more: { isStrict?: boolean; maxMessages?: number } = {}): Promise<FairRun> {
    const endAt = this.now + budgetMs;
    const members = this.lists.map((list) => this.#member(list, endAt));
    return runFairly({
      members,
      isStrict: more.isStrict ?? false,
      turns: this.turns,
      clock: { now: () => this.now, after: () => () => undefined },
      endAt,
      maxMessages: more.maxMessages ?? Number.POSITIVE_INFINITY,
      maxRequests: Number.POSITIVE_INFINITY,
      requestsPerMessage: 0,
      requestsBeside: () => this.looks,
      isAborted: () => false,
      look: async (questions) => {
        this.looks += 1;
        this.asked += questions.length;
        return questions
          .map(({ member }) => member)
          .filter((_, at) => (this.#listOf(questions[at]?.member.name ?? "")?.waiting ?? 0) > 0);
      },
    });
  }

  shareOf(name: string): number {
    return (this.spentMs.get(name) ?? 0) / [...this.spentMs.values()].reduce((sum, ms) => sum + ms, 0);
  }

  #listOf(name: string): FakeList | undefined {
    return this.lists.find((one) => one.name === name);
  }

  #member(list: FakeList, endAt: number): Member {
    const { name, batchMs, batchCount = 1 } = list;
    return {
      name,
      weight: list.weight ?? 1,
      run: async ({ mayClaim, maxMessages }) => {
        let claimed = 0;
        let stopped: StopReason = "empty";
        if (list.stops) return this.#slice({ claimed, remaining: null, ...list.stops });
        while (list.waiting > 0) {
          if (this.now + batchMs > endAt) stopped = "budget";
          else if (claimed >= maxMessages || !mayClaim()) stopped = "limit";
          if (stopped !== "empty") break;
          this.onBatch();
          this.batches.push(name);
          this.now += batchMs;
          this.spentMs.set(name, (this.spentMs.get(name) ?? 0) + batchMs);
          const taken = Math.min(list.waiting, batchCount);
          list.waiting -= taken;
          claimed += taken;
          await Promise.resolve();
        }
        return this.#slice({ claimed, acked: claimed, remaining: list.waiting, stopped });
      },
    };
  }

  #slice(of: Partial<DrainReport>): { report: DrainReport; ending: Ending } {
    const report = { ...brokenReport(null), error: null, requests: 3, ...of };
    const { stopped, remaining, nextDueAt } = report;
    const ending = { stopped, remaining, nextDueAt, leftUntil: null, redisNow: this.now };
    return { report, ending: { ...ending, progressCount: report.acked, retriedCount: 0 } };
  }
}

const loaded = (name: string, weight: number, batchMs: number): FakeList => ({
  name,
  weight,
  batchMs,
  waiting: Number.POSITIVE_INFINITY,
});

describe("lists with weights", () => {
  it("get the time that their weights say, whatever their batches take", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = seeded(seed);
      const count = 2 + Math.floor(random() * 6);
      const lists = Array.from({ length: count }, (_, at) =>
        loaded(`l${at}`, 1 + Math.floor(random() * 9), 1 + Math.floor(random() * 300)),
      );
      const world = new FakeWorld(lists);
      for (let run = 0; run < 20; run++) await world.run(25_000);
      const weights = lists.reduce((sum, { weight = 1 }) => sum + weight, 0);
      for (const { name, weight = 1 } of lists) {
        expect(Math.abs(world.shareOf(name) - weight / weights), `seed ${seed}, ${name}`).toBeLessThan(0.02);
      }
    }
  });

  it("starve none: each has its turn in one run, however slow the others are", async () => {
    const lists = Array.from({ length: 50 }, (_, at) => loaded(`l${at}`, at === 0 ? 1_000 : 1, 100));
    const world = new FakeWorld(lists);
    for (let run = 0; run < 60; run++) await world.run(25_000);
    expect(new Set(world.batches).size).toBe(50);
  });

  it("let one work on while the others have nothing, for a look a second", async () => {
    const idle = { name: "idle", waiting: 0, batchMs: 10 };
    const world = new FakeWorld([loaded("busy", 1, 10), idle]);
    const { slices } = await world.run(10_000);
    expect(slices.get("busy")?.length).toBe(1);
    expect(world.looks).toBeLessThanOrEqual(12);
  });

  it("see within a slice that another has work", async () => {
    const late = { name: "late", waiting: 0, batchMs: 10 };
    const world = new FakeWorld([loaded("busy", 1, 10), late]);
    world.onBatch = () => {
      if (world.now === 3_000) late.waiting = 1;
    };
    await world.run(10_000);
    expect(world.batches.indexOf("late") * 10).toBeLessThanOrEqual(4_100);
  });

  it("go on in a later run where the last one came to, so that short runs reach all", async () => {
    const world = new FakeWorld(["a", "b", "c"].map((name) => loaded(name, 1, 100)));
    for (let run = 0; run < 30; run++) await world.run(150);
    for (const name of ["a", "b", "c"]) expect(world.shareOf(name)).toBeGreaterThan(0.3);
  });
});

describe("lists by strict order", () => {
  it("are emptied in their order", async () => {
    const world = new FakeWorld([
      { name: "a", waiting: 3, batchMs: 10 },
      { name: "b", waiting: 3, batchMs: 10 },
    ]);
    const { stopped, isAllSeen } = await world.run(10_000, { isStrict: true });
    expect(world.batches.join("")).toBe("aaabbb");
    expect([stopped, isAllSeen]).toEqual([null, true]);
  });

  it("make room for a first one that gets work, within a slice and a batch", async () => {
    const urgent = { name: "urgent", waiting: 0, batchMs: 10 };
    const world = new FakeWorld([urgent, loaded("bulk", 1, 10)]);
    world.onBatch = () => {
      if (world.now === 5_000) urgent.waiting = 2;
    };
    await world.run(10_000, { isStrict: true });
    expect(world.batches.indexOf("urgent") * 10).toBeLessThanOrEqual(6_030);
    expect(world.batches.filter((name) => name === "urgent").length).toBe(2);
  });
});

describe("a list that cannot go on", () => {
  const other = (): FakeList => ({ name: "other", waiting: 5, batchMs: 10 });
  const stuck = (stops: FakeList["stops"]): FakeList =>
    ({ name: "stuck", waiting: 9, batchMs: 10, ...{ stops } }) as FakeList;

  it.each<[string, NonNullable<FakeList["stops"]>]>([
    ["is busy", { stopped: "busy", nextDueAt: 1_000_000 }],
    ["is busy, nobody knows for how long", { stopped: "busy" }],
    ["is paused", { stopped: "paused" }],
    ["is limited", { stopped: "rate-limited", nextDueAt: 1_000_000 }],
    ["is braked", { stopped: "braked", nextDueAt: 1_000_000 }],
    ["is held", { stopped: "held", nextDueAt: 1_000_000 }],
    ["gets back what it gives out", { stopped: "empty" }],
    ["is no list", { stopped: "error", error: new RedisReplyError("WRONGTYPE no list") }],
  ])("since it %s, holds up no other, and is tried once", async (_, stops) => {
    for (const isStrict of [true, false]) {
      const world = new FakeWorld([stuck(stops), other()]);
      const { slices, error } = await world.run(10_000, { isStrict });
      expect(world.batches.length).toBe(5);
      expect(slices.get("stuck")?.length).toBe(1);
      expect(error).toBe(stops.error ?? null);
    }
  });

  it.each(["busy", "rate-limited", "braked", "held"] as const)(
    "since it is %s, is tried again when that ends",
    async (stopped) => {
      const world = new FakeWorld([stuck({ stopped, nextDueAt: 5_000 }), loaded("other", 1, 10)]);
      const { slices } = await world.run(8_000);
      expect(slices.get("stuck")?.length).toBeGreaterThan(1);
    },
  );

  it("ends the run where Redis cannot be reached", async () => {
    const error = new RedisTransportError("lost", { isRetryable: true });
    const world = new FakeWorld([stuck({ stopped: "error", error }), other()]);
    expect(await world.run(10_000, { isStrict: true })).toMatchObject({
      stopped: "error",
      error,
      isAllSeen: false,
    });
    expect(world.batches).toEqual([]);
  });
});

it("lists that nobody has looked at were not seen empty", async () => {
  const world = new FakeWorld([{ name: "a", waiting: 0, batchMs: 1 }]);
  expect(await world.run(0)).toMatchObject({ stopped: "budget", isAllSeen: false });
});

it("lists with nothing to do cost one look", async () => {
  const world = new FakeWorld(
    Array.from({ length: 50 }, (_, at) => ({ name: `l${at}`, waiting: 0, batchMs: 1 })),
  );
  expect(await world.run(10_000)).toMatchObject({ stopped: null, isAllSeen: true });
  expect(world.looks).toBe(1);
});

it("a limit of messages is that of all lists together", async () => {
  const world = new FakeWorld([loaded("a", 1, 10), loaded("b", 1, 10)]);
  expect(await world.run(100_000, { maxMessages: 7 })).toMatchObject({ stopped: "limit" });
  expect(world.batches.length).toBe(7);
});
