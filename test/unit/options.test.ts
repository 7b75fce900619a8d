import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createDrain, type DrainOptions, OptionError, type RedisClient } from "../../src/index.ts";
import { drainOptionRows, optionsAsMarkdown, runOptionRows } from "../../src/options.ts";

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

  it("shows nothing of the inside of an object, which may hold a secret", () => {
    const secretive = { ...good, list: { token: "s3cret" } } as unknown as DrainOptions;
    expect(() => createDrain(secretive)).toThrow(/got an object/);
  });

  it.each<[string, Record<string, unknown>]>([
    ["budgetMs", { budgetMs: 0 }],
    ["maxMessages", { maxMessages: 0 }],
    ["maxMessages", { maxMessages: 1.5 }],
    ["signal", { signal: "stop" }],
    ["buget", { buget: 5 }],
  ])("has run refuse a bad %s", async (option, bad) => {
    await expect(createDrain(good).run(bad)).rejects.toThrow(expect.objectContaining({ option }));
  });

  it("accepts what the table allows", () => {
    expect(createDrain({ ...good, engine: "plain", workingList: "other" }).list).toBe("mail");
    expect(new OptionError("a", "b", "c")).toBeInstanceOf(Error);
  });
});

describe("the README", () => {
  it.each([
    ["createDrain", drainOptionRows],
    ["run", runOptionRows],
  ])("prints the options of %s as the code has them", (_, rows) => {
    expect(readFileSync(new URL("../../README.md", import.meta.url), "utf8")).toContain(
      optionsAsMarkdown(rows),
    );
  });
});
