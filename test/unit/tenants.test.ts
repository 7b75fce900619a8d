import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { createSpillway, OptionError } from "../../src/index.ts";

const good = { handler: () => undefined };
const redis = memory();

/** What cannot work, the option that is named, and what is said of it. Add a row for what has been met. */
const rows: readonly (readonly [what: string, given: object, option: string, says: RegExp])[] = [
  ["two stars", { lists: { "a:*:*": good } }, 'lists["a:*:*"]', /one star/],
  ["a hash tag", { lists: { "{a}:*": good } }, 'lists["{a}:*"]', /without "\{"/],
  ["a closing brace", { lists: { "a}*": good } }, 'lists["a}*"]', /hash tag|without/],
  ["a wider one beside it", { lists: { "a:*": good, "a:b:*": good } }, 'lists["a:b:*"]', /"a:\*" fits/],
  ["one that only some names fit too", { lists: { "a*": good, "*b": good } }, 'lists["*b"]', /"a\*" fits/],
  ["a list that fits it", { lists: { "a:*": good, "a:b": good } }, 'lists["a:*"]', /"a:b"/],
  ["the whole's name fitting it", { lists: { "spill*": good } }, 'lists["spill*"]', /"spillway"/],
  ["a star alone", { lists: { "*": good } }, 'lists["*"]', /"spillway"/],
  ["bad options", { lists: { "a:*": { ...good, concurrency: 0 } } }, 'lists["a:*"].concurrency', /got 0/],
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
