import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { createSpillway, OptionError } from "../../src/index.ts";
import { ManualClock } from "../support/manual-clock.ts";

const good = { handler: () => undefined };
const redis = memory();

/** What cannot work, the option that is named, and what is said of it. Add a row for what has been met. */
const rows: readonly (readonly [what: string, given: object, option: string, says: RegExp])[] = [
  ["two stars", { lists: { "a:*:*": good } }, 'lists["a:*:*"]', /one star/],
  ["a hash tag", { lists: { "{a}:*": good } }, 'lists["{a}:*"]', /without "\{"/],
  ["a closing brace", { lists: { "a}*": good } }, 'lists["a}*"]', /hash tag|without/],
  [
    "a wider one beside it",
    { lists: { "a:*": good, "a:b:*": good } },
    'lists["a:b:*"]',
    /shares no list with "a:\*"/,
  ],
  [
    "one that only some names fit too",
    { lists: { "a*": good, "*b": good } },
    'lists["*b"]',
    /shares no list with "a\*"/,
  ],
  ["a list that fits it", { lists: { "a:*": good, "a:b": good } }, 'lists["a:*"]', /"a:b"/],
  ["the whole's name fitting it", { lists: { "spill*": good } }, 'lists["spill*"]', /"spillway"/],
  ["a star alone", { lists: { "*": good } }, 'lists["*"]', /"spillway"/],
  ["bad options", { lists: { "a:*": { ...good, concurrency: 0 } } }, 'lists["a:*"].concurrency', /got 0/],
  ["half of a character", { lists: { "\ud800:*": good } }, 'lists["\\ud800:*"]', /well-formed/],
  ["a working list", { lists: { "a:*": { ...good, workingList: "w" } } }, 'lists["a:*"].workingList', /own/],
];

describe("a pattern is refused", () => {
  it.each(rows)("with %s", (_, given, option, says) => {
    let error: unknown;
    try {
      createSpillway({ redis, ...given } as never);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(OptionError);
    expect((error as OptionError).option).toBe(option);
    expect((error as OptionError).message).toMatch(says);
  });

  it.each([
    "tenant:",
    "tenant",
    "x",
    "",
    "tenant:*",
    "tenant:{1}",
    "tenant:}",
    `tenant:${"x".repeat(1_000)}`,
    5,
    null,
  ])("no list fits that is named %j, and nothing is pushed to it", async (list) => {
    const store = memory();
    const spillway = createSpillway({ redis: store, lists: { "tenant:*": good } });
    await expect(spillway.push(list as never, "m"), inspect(list)).rejects.toThrow(/one of "tenant:\*"/);
    expect(await store.command(["EXISTS", "{tenant:*}:lists"])).toBe(0);
  });
});

it("a name in the register that fits no list of the pattern is forgotten, and no message with it", async () => {
  const store = memory();
  const spillway = createSpillway({ redis: store, lists: { "tenant:*": good } });
  const others = ["mail", "tenant:", "tenant:*", "tenant:{1}", "\xff", "tenant:\xff"];
  await store.command(["LPUSH", "mail", "not ours"]);
  await store.command(["HSET", "{tenant:*}:lists", ...others.flatMap((name) => [name, ""])]);
  await spillway.push("tenant:1", "m");
  expect(await spillway.run()).toMatchObject({ acked: 1, error: null });
  expect(await store.command(["KEYS", "*"])).toEqual(["mail"]);
  expect(await spillway.run()).toMatchObject({ commands: 1 });
});

it("the lists of a pattern share its weight, however many they are", async () => {
  const clock = new ManualClock();
  const store = memory({ now: () => clock.now() });
  const spent = new Map<string, number>();
  const own = {
    concurrency: 1,
    prefetch: 0,
    batchSize: 10,
    handler: ({ list }: { list: string }) => {
      const name = list.startsWith("tenant:") ? "tenant:*" : list;
      spent.set(name, (spent.get(name) ?? 0) + 10);
      clock.advance(10);
    },
  } as const;
  const spillway = createSpillway({
    redis: store,
    clock,
    random: () => 0,
    lists: { "tenant:*": own, mail: own },
    priority: { "tenant:*": 3, mail: 1 },
  });
  const full = Array<string>(10_000).fill("m");
  await spillway.push("mail", full);
  for (const name of ["a", "b", "c", "d", "e"]) await spillway.push(`tenant:${name}`, full);
  await spillway.run({ budgetMs: 60_000 });
  const all = [...spent.values()].reduce((sum, ms) => sum + ms, 0);
  expect((spent.get("tenant:*") ?? 0) / all).toBeCloseTo(0.75, 1);
});

it("of many lists of a pattern, some are told of, the same ones each time, and how many are not", async () => {
  const store = memory();
  const spillway = createSpillway({ redis: store, lists: { "tenant:*": good, mail: good } });
  expect(await spillway.stats()).toMatchObject({ paused: false, leftOut: 0, lists: { mail: { list: 0 } } });
  await spillway.push("mail", "m");
  const names = Array.from({ length: 10_000 }, (_, at) => `tenant:${at}`);
  for (const name of names.slice(0, 2)) await spillway.push(name, "m");
  expect(await spillway.stats()).toMatchObject({ list: 3, leftOut: 0, lists: { "tenant:1": { list: 1 } } });

  await store.command(["HSET", "{tenant:*}:lists", ...names.flatMap((name) => [name, ""])]);
  const { lists, leftOut } = await spillway.stats();
  expect(Object.keys(lists)).toHaveLength(101);
  expect(leftOut).toBe(9_900);
  expect(Object.keys((await spillway.stats()).lists)).toEqual(Object.keys(lists));
});
