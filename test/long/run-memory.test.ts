import { queryObjects } from "node:v8";
import { describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { createDrain, type DrainOptions } from "../../src/index.ts";

const batchCount = 600;
const schema: DrainOptions["schema"] = {
  "~standard": { version: 1, vendor: "test", validate: async (value) => ({ value }) },
};

/** What may hold on to a batch until its run ends. Add a row for an option that waits or listens. */
const runs: readonly [name: string, options: Partial<DrainOptions>][] = [
  ["a plain handler", { handler: () => undefined }],
  [
    "handlers that listen to their signal",
    { handler: ({ signal }) => signal.addEventListener("abort", () => undefined), handlerTimeoutMs: 1_000 },
  ],
  ["leases that end before the run", { handler: ({ signal }) => void signal.aborted, leaseMs: 10_000 }],
  [
    "batch handlers that listen",
    {
      batchHandler: (_, { signal }) => signal.addEventListener("abort", () => undefined),
      handlerTimeoutMs: 1_000,
    },
  ],
  ["a schema", { handler: () => undefined, schema, handlerTimeoutMs: 1_000 }],
  [
    "dead letters, failures and progress that are told",
    {
      handler: () => {
        throw new Error("no");
      },
      brake: false,
      maxAttempts: 1,
      deadLetters: { maxCount: 1 },
      on: {
        "message:claimed": async () => undefined,
        "message:dead-lettered": async () => undefined,
        "message:failed": async () => undefined,
        "drain:progressed": async () => undefined,
      },
    },
  ],
];

describe("a batch leaves nothing behind in its run", () => {
  it.each(runs)("of %s", async (_, options) => {
    const redis = memory();
    await redis.command(["LPUSH", "mail", ...Array.from({ length: batchCount }, (__, at) => String(at))]);
    const counts: Record<string, number>[] = [];
    let batches = 0;
    const client = {
      ...redis,
      command: (...given: Parameters<typeof redis.command>) => {
        batches += 1;
        if (batches === 100 || batches === 500) counts.push(countObjects());
        return redis.command(...given);
      },
      pipeline: (...given: Parameters<typeof redis.pipeline>) => redis.pipeline(...given),
    };
    const drain = createDrain({ redis: client, list: "mail", batchSize: 1, ...options });

    await drain.run({ budgetMs: 600_000, signal: new AbortController().signal });

    expect(counts).toHaveLength(2);
    for (const [name, before] of Object.entries(counts[0] ?? {})) {
      // Fewer than one for every ten batches: what the engine itself has in hand moves about.
      expect((counts[1]?.[name] ?? 0) - before, name).toBeLessThan(40);
    }
  });
});

function countObjects(): Record<string, number> {
  const kinds = { Promise, AbortSignal, AbortController, Function, Error, Map, Set };
  return Object.fromEntries(
    Object.entries(kinds).map(([name, kind]) => [name, queryObjects(kind as never, { format: "count" })]),
  );
}
