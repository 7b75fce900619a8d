import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { createSpillway, OptionError } from "../../src/index.ts";

const secret = "hunter2hunter2";
const good = { handler: () => undefined };
const redis = memory();

/** What cannot work, the option that is named, and what is said of it. Add a row for what has been met. */
const rows: readonly (readonly [what: string, given: object, option: string, says: RegExp])[] = [
  ["no Redis", { redis: undefined }, "redis", /RedisClient/],
  ["no lists", { lists: undefined }, "lists", /1 to 1000 lists/],
  ["an empty object of lists", { lists: {} }, "lists", /1 to 1000 lists/],
  ["an array of lists", { lists: ["a"] }, "lists", /an array/],
  ["a text in place of lists", { lists: secret }, "lists", /1 to 1000 lists/],
  [
    "too many lists",
    { lists: Object.fromEntries(Array.from({ length: 1_001 }, (_, at) => [`l${at}`, good])) },
    "lists",
    /1001 lists/,
  ],
  ["a list without options", { lists: { a: null } }, 'lists["a"].options', /an object; got null/],
  ["a list without a handler", { lists: { a: {} } }, 'lists["a"].handler', /neither/],
  [
    "a list with a wrong option",
    { lists: { a: good, b: { ...good, concurrency: 0 } } },
    'lists["b"].concurrency',
    /got 0/,
  ],
  [
    "a list with a misspelt option",
    { lists: { a: { ...good, batchsize: 1 } } },
    'lists["a"].batchsize',
    /batchSize/,
  ],
  [
    "a list with a Redis of its own",
    { lists: { a: { ...good, redis } } },
    'lists["a"].redis',
    /for all lists/,
  ],

  [
    "a list with shards",
    { lists: { a: { ...good, shards: 2 } } },
    'lists["a"].shards',
    /has a createDrain of its own/,
  ],
  [
    "a list with a continuation of its own",
    { lists: { a: { ...good, continuation: {} } } },
    'lists["a"].continuation',
    /all/,
  ],
  ["a list with another name inside", { lists: { a: { ...good, list: "b" } } }, 'lists["a"].list', /all/],
  ["a list without a name", { lists: { "": good } }, 'lists[""]', /at least one character/],
  ["a name that no key can share a slot with", { lists: { "a}b": good } }, 'lists["a}b"]', /hash tag/],
  ["two lists whose keys collide", { lists: { a: good, "{a}": good } }, 'lists["{a}"]', /"a"/],
  [
    "a list that is another's dead letters",
    { lists: { a: good, "{a}:dead": good } },
    'lists["{a}:dead"]',
    /"a"/,
  ],
  [
    "a list that is another's working list",
    { lists: { "{a}:working:x.1": good, a: good } },
    'lists["a"]',
    /keys/,
  ],
  ["a list that has the name of the whole", { lists: { spillway: good } }, 'lists["spillway"]', /"spillway"/],
  [
    "names that are numbers, in strict order",
    { priority: "strict", lists: { "10": good, "2": good } },
    "lists",
    /digits/,
  ],
  ["an unknown priority", { priority: "high" }, "priority", /"fair" or "strict" or a plain object/],
  ["a Map of weights", { priority: new Map([["a", 2]]) }, "priority", /a plain object; got an object/],
  ["a priority that is null", { priority: null }, "priority", /null/],
  ...[-1, 0, 1.5, Number.NaN, 1e21, Number.POSITIVE_INFINITY, 1_001, "3", null, {}, 3n].map(
    (weight) =>
      [`the weight ${inspect(weight)}`, { priority: { a: weight } }, "priority.a", /from 1 to 1000/] as const,
  ),
  ["a weight of no list", { priority: { c: 1 } }, "priority.c", /known|one of/],
  ["an empty name", { name: "" }, "name", /at least one/],
  ["a misspelt option", { list: { a: good } }, "list", /did you mean "lists"/],
];

describe("several lists are refused", () => {
  it.each(rows)("with %s", (_, given, option, says) => {
    let error: unknown;
    try {
      createSpillway({ redis, lists: { a: good, b: good }, ...given } as never);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(OptionError);
    expect((error as OptionError).option).toBe(option);
    expect((error as OptionError).message).toMatch(says);
    expect(inspect(error)).not.toContain(secret);
  });
});

it("a push to a list that there is not says which there are", async () => {
  const spillway = createSpillway({ redis, lists: { a: good, b: good } });
  for (const list of ["c", "", "__proto__", "toString", 5 as never]) {
    await expect(spillway.push(list, "m")).rejects.toThrow(/one of "a", "b"/);
  }
});

it("names of objects' own methods are lists like others", async () => {
  const lists = Object.fromEntries(["constructor", "toString", "__proto__"].map((name) => [name, good]));
  const spillway = createSpillway({ redis: memory(), lists });
  for (const name of Object.keys(lists)) await spillway.push(name, "m");
  expect(await spillway.run()).toMatchObject({ acked: 3 });
});

it("lists that are closed run no more", async () => {
  const spillway = createSpillway({ redis: memory(), lists: { a: good } });
  await spillway.close();
  await expect(spillway.run()).rejects.toThrow(/closed/);
});
