import { describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import {
  createDrain,
  type DrainOptions,
  type DrainReport,
  idempotent,
  type Message,
} from "../../src/index.ts";
import { finish } from "../support/hostile-values.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { processAll } from "../support/process-all.ts";

const never = (): Promise<never> => new Promise(() => undefined);
const schemaOf = (validate: (value: unknown) => unknown): NonNullable<DrainOptions["schema"]> =>
  ({ "~standard": { version: 1, vendor: "test", validate } }) as never;
const hangsForOne = schemaOf((value) => (value === 1 ? never() : { value }));

async function run(
  options: Partial<DrainOptions>,
  before: (redis: ReturnType<typeof memory>, clock: ManualClock) => DrainOptions["redis"] = (redis) => redis,
): Promise<DrainReport> {
  const redis = memory();
  const clock = new ManualClock();
  await redis.command(["LPUSH", "mail", "0", "1", "2"]);
  const drain = createDrain({ redis: before(redis, clock), list: "mail", clock, ...options });
  return finish(clock, drain.run({ budgetMs: 60_000 }));
}

describe("the time of user code", () => {
  it("a schema that hangs for one message fails that message alone, also in a batch", async () => {
    for (const options of [{ handler: () => undefined }, { batchHandler: () => undefined }] as const) {
      const report = await run({ schema: hangsForOne, handlerTimeoutMs: 2_000, ...options });
      expect(report).toMatchObject({ acked: 2, retried: 1, stopped: "empty" });
      expect(report.failures).toEqual([
        { name: "HandlerTimeoutError", message: expect.stringContaining("The schema took longer"), count: 1 },
      ]);
    }
  });

  it.each([[{}], [{ success: false, error: "no" }], [[]], [undefined], [null], [7]])(
    "a schema that answers %o, which is no result, fails its messages and acknowledges none",
    async (answer) => {
      const report = await run({ schema: schemaOf(() => answer), handler: () => undefined });
      expect(report).toMatchObject({ acked: 0, failures: [{ name: "SchemaError" }] });
    },
  );

  it("a schema that hangs where there is no handlerTimeoutMs is waited for until the drain stops", async () => {
    const report = await run({ schema: hangsForOne, handler: () => undefined });
    expect(report).toMatchObject({ acked: 2, retried: 1 });
    const batch = await run({ schema: hangsForOne, batchHandler: () => undefined });
    expect(batch).toMatchObject({ acked: 0, released: 2, retried: 1 });
  });

  it.each([
    [{}, "handlerTimeoutMs or half of the run (29500 ms)"],
    [{ handlerTimeoutMs: 2_000 }, "handlerTimeoutMs or half of the run (2000 ms)"],
  ])(
    "a byKey that hangs for one message fails it, and the error says what it took longer than: %o",
    async (given, limit) => {
      const order = { byKey: ({ payload }: Message) => (payload === "1" ? never() : payload) } as never;
      const report = await run({ order, handler: () => undefined, ...given });
      expect(report).toMatchObject({ acked: 2, retried: 1 });
      expect(report.failures[0]?.message).toContain(`The byKey took longer than ${limit}`);
    },
  );

  it("a promise in a batch handler's array that hangs fails its message alone", async () => {
    const report = await run({
      handlerTimeoutMs: 2_000,
      batchHandler: (messages) => messages.map(({ payload }) => (payload === "1" ? never() : undefined)),
    });
    expect(report).toMatchObject({ acked: 2, retried: 1 });
  });

  it("a batch handler's signal ends with handlerTimeoutMs", async () => {
    const reasons: unknown[] = [];
    await run({
      handlerTimeoutMs: 2_000,
      batchHandler: (_, { signal, remainingMs }) => {
        expect(remainingMs()).toBe(2_000);
        signal.addEventListener("abort", () => reasons.push(signal.reason));
        return never();
      },
    });
    expect(reasons).toMatchObject([{ name: "HandlerTimeoutError" }]);
  });

  it("a message's signal ends with the drain's time where there is no other", async () => {
    const reasons: unknown[] = [];
    await run({
      handler: ({ signal }) => {
        signal.addEventListener("abort", () => reasons.push(signal.reason));
        return never();
      },
    });
    expect(reasons).toHaveLength(3);
    expect(reasons[0]).toMatchObject({ name: "AbortError" });
  });

  it("a retryDelay that hangs counts as absent when its time ends", async () => {
    const clock = new ManualClock();
    const { outcomes } = await finish(
      clock,
      processAll(1, {
        clock,
        handlerTimeoutMs: 2_000,
        handler: () => {
          throw new Error("no");
        },
        policy: { maxAttempts: 5, retryDelay: never, random: () => 0.5 },
      }),
    );
    expect(outcomes).toEqual([{ kind: "retry", delayMs: 500, isFailure: true }]);
  });

  it("a promise of a delay is waited for", async () => {
    const { outcomes } = await processAll(1, {
      handler: () => {
        throw new Error("no");
      },
      policy: { maxAttempts: 5, retryDelay: async ({ attempt }) => attempt * 7_000, random: () => 0.5 },
    });
    expect(outcomes).toMatchObject([{ delayMs: 7_000 }]);
  });

  it("a done-marker that takes longer than handlerTimeoutMs fails no message, and each runs once", async () => {
    const ran: string[] = [];
    const report = await run(
      {
        handler: idempotent((message: Message) => void ran.push(message.payload), { ttlMs: 600_000 }),
        handlerTimeoutMs: 500,
      },
      (redis, clock) => ({
        ...redis,
        command: (...given) => redis.command(...given),
        pipeline: async (...given) => {
          if (given[0].some(([name]) => name === "HSET"))
            await new Promise<void>((resolve) => clock.after(5_000, resolve));
          return redis.pipeline(...given);
        },
      }),
    );
    expect(report).toMatchObject({ acked: 3, retried: 0, failures: [], stopped: "empty" });
    expect(ran).toEqual(["0", "1", "2"]);
  });

  it("a done-marker that never gets through leaves its message acknowledged when the drain's time ends", async () => {
    const report = await run(
      {
        handler: idempotent(() => undefined, { ttlMs: 600_000 }),
        handlerTimeoutMs: 500,
        requestTimeoutMs: 300_000,
      },
      (redis) => ({
        ...redis,
        command: (...given) => redis.command(...given),
        pipeline: (...given) =>
          given[0].some(([name]) => name === "HSET") ? never() : redis.pipeline(...given),
      }),
    );
    expect(report).toMatchObject({ acked: 3, retried: 0, stopped: "budget" });
  });

  it("a handler that is wrapped in another function fails at once where the engine makes no markers", async () => {
    const inner = idempotent(() => undefined, { ttlMs: 600_000 });
    const redis = memory();
    const drain = createDrain({ redis, list: "mail", engine: "plain", handler: (message) => inner(message) });
    await drain.push(["m"]);
    expect(await drain.run()).toMatchObject({
      acked: 0,
      retried: 1,
      failures: [{ message: expect.stringContaining("idempotent() needs the scripted engine") }],
    });
  });

  it("a handler that is wrapped in another function still has its markers", async () => {
    const inner = idempotent(() => undefined, { ttlMs: 600_000 });
    const marked: number[] = [];
    const { isMarked } = await processAll(2, {
      handler: (message) => (message.payload === "1" ? inner(message as Message<unknown>) : undefined),
      markDone: async (_, at) => void marked.push(at),
    });
    expect([marked, isMarked]).toEqual([[1], [false, true]]);
  });
});
