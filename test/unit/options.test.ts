import { describe, expect, it } from "vitest";
import { documentedOptions, documents, readDocument, withOptionTables } from "../../.ci/option-tables.ts";
import { createDrain, type DrainOptions, OptionError, type RedisClient } from "../../src/index.ts";
import { checkDrainOptions } from "../../src/options/drain-settings.ts";
import { checkRunOptions } from "../../src/options/run-options.ts";

const redis: RedisClient = {
  name: "none",
  command: () => Promise.reject(new Error("not to be called")),
  pipeline: () => Promise.reject(new Error("not to be called")),
  close: () => Promise.resolve(),
};
const good = { redis, list: "mail", handler: () => undefined };

describe("createDrain", () => {
  it.each<[string, Record<string, unknown>]>([
    ["redis", { redis: undefined }],
    ["redis", { redis: {} }],
    ["list", { list: "" }],
    ["list", { list: 7 }],
    ["list", { list: "a}b" }],
    ["handler", { handler: undefined }],
    ["handler", { handler: "f" }],
    ["handler", { batchHandler: () => undefined }],
    ["batchBy", { batchBy: () => "a" }],
    ["batchBy", { handler: undefined, batchHandler: () => undefined, batchBy: "a" }],
    ["batchSize", { batchSize: 0 }],
    ["batchSize", { batchSize: 1.5 }],
    ["batchSize", { batchSize: Number.NaN }],
    ["batchSize", { batchSize: "100" }],
    ["batchSize", { batchSize: 10_001 }],
    ["concurrency", { concurrency: 0 }],
    ["prefetch", { prefetch: 2 }],
    ["leaseMs", { leaseMs: -1 }],
    ["maxConcurrency", { maxConcurrency: 0 }],
    ["maxBatchBytes", { maxBatchBytes: 0 }],
    ["engine", { engine: "fast" }],
    ["workingList", { workingList: "other" }],
    ["workingList", { workingList: "mail", engine: "plain" }],
    ["workingList", { workingList: "{mail}:leases", engine: "plain" }],
    ["codec", { codec: 5 }],
    ["codec", { codec: { encode: () => "" } }],
    ["schema", { schema: { "~standard": { version: 2, validate: () => undefined } } }],
    ["continuation", { continuation: {} }],
    ["on", { on: 7 }],
    ["on.message:acked", { on: { "message:acked": 7 } }],
    ["on.message:aked", { on: { "message:aked": () => undefined } }],
    ["telemetry", { telemetry: {} }],
    ["sentAt", { sentAt: "sentAt" }],
    ["clock", { clock: { now: () => 0 } }],
    ["random", { random: 0.5 }],
    ["retryDelay", { retryDelay: 1_000 }],
    ["retryDelay.baseMs", { retryDelay: { baseMs: Number.NaN } }],
    ["retryDelay.base", { retryDelay: { base: 5 } }],
    ["brake", { brake: true }],
    ["brake.after", { brake: { after: 0 } }],
    ["deadLetters", { deadLetters: 100 }],
    ["deadLetters.maxCount", { deadLetters: { maxCount: 1e21 } }],
    ["batchSze", { batchSze: 5 }],
  ])("refuses a bad %s at construction: %o", (option, bad) => {
    expect(() => createDrain({ ...good, ...bad } as unknown as DrainOptions)).toThrow(
      expect.objectContaining({ name: "OptionError", code: "invalid-option", option }),
    );
  });

  it("says which option, what it must be, and what it got", () => {
    expect(() => createDrain({ ...good, batchSize: 0 })).toThrow(
      'Option "batchSize" must be a whole number from 1 to 10000; got 0.',
    );
  });

  it("asks for the option that a misspelt name is near to", () => {
    const misspelt = { ...good, concurency: 5 } as DrainOptions;
    expect(() => createDrain(misspelt)).toThrow('(did you mean "concurrency"?)');
  });

  it("returns a plain object, so that a part of it can be replaced", async () => {
    const drain = createDrain(good);
    const { list, run } = { ...drain, list: "other" };
    expect(list).toBe("other");
    expect(await run({ budgetMs: 1_000 })).toMatchObject({ stopped: "error" });
    expect(Object.keys(drain).sort()).toEqual([
      "close",
      "deadLetters",
      "leases",
      "limits",
      "list",
      "on",
      "pause",
      "peek",
      "push",
      "recover",
      "resume",
      "run",
      "stats",
      "waitForMessage",
      "wake",
    ]);
  });

  it("shows nothing of the inside of an object, which may hold a secret", () => {
    const secretive = { ...good, list: { token: "s3cret" } } as unknown as DrainOptions;
    expect(() => createDrain(secretive)).toThrow(/got an object/);
  });

  it.each<[string, Record<string, unknown>]>([
    ["budgetMs", { budgetMs: 0 }],
    ["maxMessages", { maxMessages: 0 }],
    ["maxMessages", { maxMessages: 1.5 }],
    ["signal", { signal: "stop" }],
    ["chain.hop", { chain: { id: "a", hop: -7 } }],
    ["chain.hop", { chain: { id: "a", hop: 1e21 } }],
    ["chain.id", { chain: { hop: 0 } }],
    ["chain.id", { chain: { id: "a\nb", hop: 0 } }],
    ["chain.id", { chain: { id: "a".repeat(5_000), hop: 0 } }],
    ["buget", { buget: 5 }],
  ])("has run refuse a bad %s", async (option, bad) => {
    await expect(createDrain(good).run(bad)).rejects.toThrow(expect.objectContaining({ option }));
  });

  it("accepts what the table allows", () => {
    expect(createDrain({ ...good, engine: "plain", workingList: "other" }).list).toBe("mail");
    expect(new OptionError("a", "b", "c")).toBeInstanceOf(Error);
  });
});

const settings: [string, string, string, () => object, (given: object) => unknown][] = [
  [
    "createDrain",
    "src/options/drain-options.ts",
    "EveryDrainOption",
    () => checkDrainOptions(good),
    (given) => checkDrainOptions({ ...good, ...given }),
  ],
  ["run", "src/options/run-options.ts", "RunOptions", () => checkRunOptions({}), checkRunOptions],
];

describe.each(settings)("the comments of the options of %s", (_, path, interfaceName, defaults, check) => {
  const options = documentedOptions(path, interfaceName);

  it("name the defaults that there are", () => {
    const read = (text: string): unknown => JSON.parse(text.replace(/(\w+):/g, '"$1":'));
    const told = options.filter((option) => option.default !== undefined);
    const documented = Object.fromEntries(
      told.map((option) => [option.name, read(option.default as string)]),
    );
    const simple = ([, value]: [string, unknown]): boolean =>
      typeof value === "string" || (typeof value === "number" && Number.isFinite(value));
    const simpleDefaults = Object.entries(defaults())
      .filter(([name]) => name !== "list")
      .filter(simple);
    expect(defaults()).toMatchObject(documented);
    expect(Object.keys(documented)).toEqual(expect.arrayContaining(simpleDefaults.map(([name]) => name)));
  });

  it("name the bounds that there are", () => {
    for (const { name, meaning } of options) {
      const refused = expectRefusal(() => check({ [name]: Symbol("of no kind") }));
      const [, min, max] = /^a whole number from (\d+) to (\d+)$/.exec(refused.expected) ?? [];
      if (max === undefined) continue;
      const written = Number(max).toLocaleString("en-US");
      expect(meaning, name).toContain(`from ${min} to ${written}`);
    }
  });
});

function expectRefusal(run: () => unknown): OptionError {
  try {
    run();
  } catch (error) {
    if (error instanceof OptionError) return error;
    throw error;
  }
  throw new Error("Nothing was refused.");
}

describe("the documents", () => {
  it.each(documents())("%s prints the options as the comments in the code have them", (path) => {
    expect(readDocument(path), "run `npm run docs:options`").toBe(withOptionTables(readDocument(path)));
  });

  it("have a table for each place that takes a drain's options", () => {
    const tables = [...readDocument("docs/options.md").matchAll(/<!-- options: \S+ (\w+) -->/g)];
    expect(tables.map(([, name]) => name)).toEqual(["EveryDrainOption", "RunOptions", "PushOptions"]);
    expect(readDocument("docs/options.md")).toContain("| `maxAttempts` | `5` |");
  });
});
