import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { crc32 as zlibCrc32 } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { createDrain, fromText, OptionError, shardOf } from "../../src/index.ts";
import { crc32 } from "../../src/shards/shard-names.ts";
import { hostileValues } from "../support/hostile-values.ts";

const keys = ["", "123456789", "user 1", "Grüße", "\u{1f642}", "a\0b", "x".repeat(1_000)];

describe("the shard of a key", () => {
  it.each(keys)("is chosen by the CRC-32 that zlib has: %j", (key) => {
    expect(crc32(fromText(key))).toBe(zlibCrc32(key));
    expect(shardOf("emails", key, 8)).toBe(`{emails:${zlibCrc32(key) % 8}}`);
  });

  it("is as docs/shards.md says, and the list itself where there is one shard", () => {
    expect(crc32("123456789")).toBe(0xcbf43926);
    expect(shardOf("emails", "customer 17", 8)).toBe("{emails:4}");
    expect(shardOf("emails", "customer 17", 1)).toBe("emails");
  });

  const docs = readFileSync(new URL("../../docs/shards.md", import.meta.url), "utf8");
  const interpreters = [
    ["python", "python3", ["-c"]],
    ["php", "php", ["-r"]],
  ] as const;
  for (const [language, program, flags] of interpreters) {
    // A machine without the interpreter has the vectors above.
    if (spawnSync(program, ["--version"]).status !== 0) continue;
    it(`is what the line for ${language} in docs/shards.md says`, () => {
      const line = new RegExp(`\`\`\`${language}\\n(?:<\\?php\\n)?([\\s\\S]*?)\`\`\``).exec(docs)?.[1] ?? "";
      const asked = keys.filter((key) => key !== "" && !key.includes("\0"));
      const print = language === "php" ? 'echo $shard, "\\n";' : "print(shard)";
      const lines = asked.flatMap((key) => [line.replace('"customer 17"', JSON.stringify(key)), print]);
      const env = { ...process.env, PYTHONIOENCODING: "utf8" };
      const { stdout, stderr } = spawnSync(program, [...flags, lines.join("\n")], { encoding: "utf8", env });
      const expected = asked.map((key) => shardOf("emails", key, 8));
      expect([stderr, stdout.trim().split("\n")]).toEqual(["", expected]);
    });
  }
});

describe("shards that cannot be", () => {
  const redis = {
    name: "none",
    command: async () => null,
    pipeline: async () => [],
    close: async () => undefined,
  };
  const handler = (): undefined => undefined;

  it.each([0, -1, 1.5, 1_025, Number.NaN, "8", null, {}, 1e21])(
    "are refused at construction: %j",
    (shards) => {
      const make = () => createDrain({ redis, list: "emails", handler, shards: shards as number });
      expect(make).toThrow(OptionError);
      expect(make).toThrow(/shards/);
      expect(() => shardOf("emails", "key", shards as number)).toThrow(OptionError);
    },
  );

  it.each([
    ["{emails}", {}],
    ["a{b", {}],
    ["emails}", {}],
    ["emails", { engine: "plain" as const, workingList: "mine" }],
  ])("are refused for the list %j with %j", (list, others) => {
    expect(() => createDrain({ redis, list, handler, shards: 2, ...others })).toThrow(OptionError);
  });

  it("leave the checks of all other options as they are", () => {
    expect(() => createDrain({ redis, list: "emails", shards: 2 } as never)).toThrow(/handler/);
    expect(() => createDrain({ redis, list: "emails", handler, shards: 2, shard: 1 } as never)).toThrow(
      /unknown/,
    );
    expect(createDrain({ redis, list: "emails", handler, shards: undefined }).list).toBe("emails");
  });
});

describe("what is told to all shards", () => {
  const hostile = hostileValues.filter(([name]) => !name.includes("rejection"));
  const redis = memory();
  const drain = createDrain({ redis, list: "emails", handler: () => undefined, shards: 2 });
  afterAll(() => drain.close());

  it.each(hostile)("is refused by its name where it is %s", async (_, make) => {
    const value = make() as never;
    const calls = [
      drain.limits.set({ messages: value, windowMs: 1_000 }),
      drain.limits.set({ messages: 10, windowMs: value }),
      drain.waitForMessage({ timeoutMs: value }),
      drain.waitForMessage(value),
      ...(value === undefined
        ? []
        : [
            drain.deadLetters.redrive({ max: value }),
            drain.deadLetters.purge({ max: value }),
            drain.deadLetters.list({ order: value }),
          ]),
    ];
    for (const settled of await Promise.allSettled(calls)) {
      expect(settled).toMatchObject({ status: "rejected", reason: { name: "OptionError" } });
    }
  });

  it.each([["a number", () => 17] as const, ...hostile.filter(([name]) => !/^a (huge )?text/.test(name))])(
    "has no key and no list that is %s",
    (_, make) => {
      expect(() => shardOf("emails", make() as never, 8)).toThrow(OptionError);
      expect(() => shardOf(make() as never, "key", 8)).toThrow(OptionError);
    },
  );
});
