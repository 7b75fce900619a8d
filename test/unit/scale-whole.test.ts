import { describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import {
  createDrain,
  createSpillway,
  type NextDrain,
  OptionError,
  type RedisCommand,
  type SpillwayOptions,
  scaleOut,
} from "../../src/index.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** Lists with so many messages of 10 ms each, and a continuation that only notes what it is to start. */
function world(counts: readonly number[]) {
  const clock = new ManualClock();
  const store = memory({ now: () => clock.now() });
  const sent: RedisCommand[] = [];
  const redis = {
    ...store,
    command: (command: RedisCommand) => {
      sent.push(command);
      return store.command(command);
    },
    pipeline: (commands: readonly RedisCommand[]) => {
      sent.push(...commands);
      return store.pipeline(commands);
    },
  };
  const started: NextDrain[] = [];
  const invoke = async (next: NextDrain) => {
    started.push(next);
    return null;
  };
  const continuation = { name: "test", invoke };
  const handler = (): void => clock.advance(10);
  const shared = { redis, clock, continuation, random: () => 0 };
  const ofList = { handler, concurrency: 1, prefetch: 0, batchSize: 20, maxConcurrency: 2 } as const;
  const fill = async (names: readonly string[]): Promise<void> => {
    for (const [at, count] of counts.entries()) {
      if (count > 0) await store.command(["LPUSH", names[at] as string, ...Array(count).fill("message")]);
    }
  };
  const live = (count: number, until: number) =>
    store.command([
      "ZADD",
      "{spillway}:drains",
      ...Array.from({ length: count }, (_, at) => [until, `other-${at}`]).flat(),
    ]);
  return { clock, store, sent, started, shared, ofList, fill, live, continuation };
}

async function runLists(
  counts: readonly number[],
  options: Partial<SpillwayOptions> = {},
  own: object = {},
  run: object = {},
  before: (made: ReturnType<typeof world>) => Promise<unknown> = async () => undefined,
) {
  const made = world(counts);
  const names = counts.map((_, at) => `list-${at}`);
  const lists = Object.fromEntries(names.map((name) => [name, { ...made.ofList, ...own }]));
  const spillway = createSpillway({ ...made.shared, lists, ...options });
  await made.fill(names);
  await before(made);
  const report = await spillway.run({ budgetMs: 60_000, ...run });
  return { report, ...made };
}

const few = Array(20).fill(60);

describe("a run over several lists that finds more than it can do in time", () => {
  it("starts others by the sum of what all hold, though none of them wants one by itself", async () => {
    const chain = { id: "tick", hop: 4 };
    const { report, started } = await runLists(few, {}, {}, { chain, maxMessages: 40 });
    expect(started).toMatchObject([
      {
        list: "spillway",
        chain: { id: expect.stringMatching(/^tick\.[\w-]+~1\.5$/), hop: 5, paceUs: 10_000 },
      },
      { list: "spillway", chain: { id: expect.stringMatching(/^tick\.[\w-]+~2\.5$/), hop: 5 } },
      { list: "spillway", chain: { id: expect.stringMatching(/^tick\.[\w-]+~3\.5$/), hop: 5 } },
      { list: "spillway", chain: { id: expect.stringMatching(/^tick\.[\w-]+~4\.5$/), hop: 5 } },
    ]);
    expect(report).toMatchObject({ started: 4, declined: null, error: null });
  });

  it("starts them with its first batch where the hop tells the pace", async () => {
    const run = { chain: { id: "tick", hop: 4, paceUs: 10_000 }, maxMessages: 20 };
    expect((await runLists(few, {}, {}, run)).report.started).toBe(4);
  });

  it("counts those at work, whichever list they are at, and not those whose time is over", async () => {
    const run = { maxMessages: 40 };
    // Six are wanted.
    const most = { scaleOut: scaleOut({ withinMs: 2_000 }) };
    expect((await runLists(few, most, {}, run, ({ live }) => live(5, 1e9))).report.started).toBe(0);
    expect((await runLists(few, most, {}, run, ({ live }) => live(5, 900))).report.started).toBe(4);
  });

  it("starts no more than may be at work in all lists together", async () => {
    const run = { maxMessages: 40 };
    const one = { maxConcurrency: 1 };
    expect((await runLists([500, 500], { scaleOut: true }, one, run)).report.started).toBe(1);
    expect((await runLists([500, 500, 0, 0], { scaleOut: true }, one, run)).report.started).toBe(1);
    expect((await runLists([500, 500], {}, { maxConcurrency: 2 }, run)).report.started).toBe(3);
  });

  it.each<[string, readonly number[], Partial<SpillwayOptions>, object]>([
    ["scaleOut is false", few, { scaleOut: false }, {}],
    ["there is no continuation", few, { continuation: undefined }, {}],
    ["of each list one drain may live, and nothing else was told", few, {}, { maxConcurrency: 1 }],
    ["the lists are of the plain engine", few, {}, { engine: "plain" }],
    ["there is little", [30, 30, 30], {}, {}],
    ["it has time enough", few, { scaleOut: scaleOut({ withinMs: 60_000 }) }, {}],
    ["every message fails", few, {}, { brake: false, handler: () => Promise.reject(new Error("as told")) }],
  ])("starts none where %s", async (_title, counts, options, own) => {
    const { report, started } = await runLists(counts, options, own, { maxMessages: 300 });
    expect(report).toMatchObject({ started: 0, error: null });
    expect(started.filter(({ chain }) => chain.id.includes("~"))).toEqual([]);
  });

  it("ends its chain where those before it are more than twice enough, and says so", async () => {
    const { report, started } = await runLists(
      [1_000],
      {},
      {},
      { budgetMs: 2_000, chain: { id: "with a late name", hop: 1 } },
      // They end long after this one, and count as before it all the same: otherwise the drain that ends next would always be
      // the first, and no chain would ever end.
      ({ live }) => live(100, 1e9),
    );
    expect(report).toMatchObject({ stopped: "budget", declined: expect.stringMatching(/enough/) });
    expect(started).toEqual([]);
  });

  it("costs nothing where one batch empties all, and leaves no key", async () => {
    const costOf = async (options: Partial<SpillwayOptions>) => {
      const { sent, store } = await runLists([20, 0, 0], options);
      expect(await store.command(["KEYS", "*"])).toEqual([]);
      return sent.length;
    };
    expect(await costOf({})).toBe(await costOf({ scaleOut: false }));
  });

  it("asks once a second, and leaves no key", async () => {
    const { sent, store } = await runLists([600], { scaleOut: scaleOut({ withinMs: 60_000 }) });
    const asked = sent.filter(([name]) => name === "LLEN").length;
    expect(asked).toBeGreaterThan(3);
    expect(asked).toBeLessThanOrEqual(8);
    expect(await store.command(["KEYS", "*"])).toEqual([]);
  });

  it("goes on where it cannot be written who is at work, and asks no more often", async () => {
    const { report, sent } = await runLists(few, {}, {}, {}, ({ store }) =>
      store.command(["SET", "{spillway}:drains", "no zset"]),
    );
    // It takes twelve seconds.
    expect(sent.filter((command) => command[3] === "{spillway}:drains").length).toBeLessThanOrEqual(15);
    expect(report).toMatchObject({ stopped: "empty", acked: 1_200, started: 0, error: null });
  });
});

describe("a randomId that fails when others are to be started", () => {
  it("harms no batch", async () => {
    const made = world([400]);
    await made.fill(["mail"]);
    let ids = 0;
    const randomId = (): string => {
      ids += 1;
      if (ids > 1) throw new Error("no more ids");
      return "first";
    };
    const drain = createDrain({ ...made.shared, ...made.ofList, list: "mail", randomId });
    const chain = { id: "tick", hop: 0, paceUs: 10_000 };
    const report = await drain.run({ budgetMs: 60_000, maxMessages: 100, chain });
    const declined = expect.stringMatching(/no more ids/);
    expect(report).toMatchObject({ acked: 100, started: 0, stopped: "limit", error: null, declined });
  });
});

describe("a list with shards that holds more than a drain can do in time", () => {
  it("starts others by the sum of what all shards hold, by the list's own name", async () => {
    const made = world([60, 60, 60, 60, 60, 60]);
    await made.fill([0, 1, 2, 3, 4, 5].map((at) => `{mail:${at}}`));
    const drain = createDrain({ ...made.shared, ...made.ofList, list: "mail", shards: 6 });
    const report = await drain.run({ budgetMs: 60_000, maxMessages: 40, chain: { id: "tick", hop: 0 } });
    expect(report).toMatchObject({ started: 1, error: null });
    expect(made.started).toMatchObject([{ list: "mail", chain: { id: expect.stringMatching(/~1\.1$/) } }]);
  });
});

describe("the option scaleOut of several lists", () => {
  const { shared, ofList, continuation } = world([]);
  const one = { ...ofList, maxConcurrency: 1 };

  it.each<[string, object]>([
    ["a number", { scaleOut: 1, lists: { a: ofList }, continuation }],
    ["true without a continuation", { scaleOut: true, lists: { a: ofList }, continuation: undefined }],
    ["true where one drain may live", { scaleOut: true, lists: { a: one }, continuation }],
    ["one list's own", { lists: { a: { ...ofList, scaleOut: false } }, continuation }],
  ])("is refused as %s", (_title, options) => {
    expect(() => createSpillway({ ...shared, ...options } as unknown as SpillwayOptions)).toThrow(
      OptionError,
    );
  });
});
