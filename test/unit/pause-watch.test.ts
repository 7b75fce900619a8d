import { describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import type { Batch } from "../../src/broker/broker.ts";
import { createDrain, type DrainOptions, type EveryDrainOption, type RedisClient } from "../../src/index.ts";
import { PauseWatch } from "../../src/run/pause-watch.ts";
import type { RunParts } from "../../src/run/run-parts.ts";
import { ManualClock } from "../support/manual-clock.ts";

type Options = Partial<EveryDrainOption<never>>;

/** A drain whose handlers, and whose Redis, live by the same clock; and how often it asked for a pause alone. */
function slowDrain(options: Options, handlerMs: number, given?: (redis: RedisClient) => RedisClient) {
  const clock = new ManualClock();
  const store = memory({ now: () => clock.now() });
  let asked = 0;
  const counting: RedisClient = {
    ...store,
    pipeline: (commands, about) => {
      if (commands[0]?.[0] === "HMGET") asked += 1;
      return store.pipeline(commands, about);
    },
  };
  const began: { payload: string; at: number }[] = [];
  const work = (payload: string): void => {
    began.push({ payload, at: clock.now() });
    clock.advance(handlerMs);
  };
  const drain = createDrain({
    redis: given?.(counting) ?? counting,
    list: "mail",
    clock,
    concurrency: 1,
    ...(!options.batchHandler && { handler: (message: { payload: string }) => work(message.payload) }),
    ...options,
  } as unknown as DrainOptions);
  const operator = createDrain({ redis: store, list: "mail", handler: () => undefined });
  const push = (count: number) => operator.push(Array.from({ length: count }, (_, at) => `m${at}`));
  return { clock, drain, operator, push, began, work, asked: () => asked };
}

describe("a pause while a batch of slow handlers runs", () => {
  it.each<[string, number, Options]>([
    ["of 400 ms", 400, {}],
    ["of 400 ms, nothing claimed ahead", 400, { prefetch: 0 }],
    ["of half a minute", 30_000, {}],
    ["of the plain engine", 400, { engine: "plain" }],
    ["in strict order", 400, { order: "strict" }],
    ["in order by key", 400, { order: { byKey: ({ payload }) => payload.slice(-1) } }],
    ["where several drains may live", 400, { maxConcurrency: 3 }],
  ])("lets none begin more than a second later: %s", async (_title, handlerMs, options) => {
    const { clock, drain, operator, push, began } = slowDrain(options, handlerMs);
    await push(20);
    let pausedAt = Number.POSITIVE_INFINITY;
    // Between two messages, as far from what the drain heard last as can be.
    const cancel = clock.after(handlerMs * 2.5, () => {
      pausedAt = clock.now();
      void operator.pause();
    });
    const report = await drain.run({ budgetMs: 1_000_000 });
    cancel();
    expect(report).toMatchObject({ stopped: "paused", acked: began.length, error: null });
    expect(began.every(({ at }) => at < pausedAt + 1_000)).toBe(true);
    expect(began.length).toBeGreaterThan(2);
    const { list, parked, leases, working } = await operator.stats();
    expect([list + parked, leases, working]).toEqual([20 - began.length, 0, 0]);
  });

  it("lets no group of a batch begin more than a second later", async () => {
    const seen: string[] = [];
    const slow = slowDrain(
      {
        batchBy: ({ payload }: { payload: string }) => payload,
        batchHandler: async ([message]: readonly { payload: string }[]) => {
          seen.push(message?.payload ?? "");
          if (seen.length === 2) await slow.operator.pause();
          slow.work(message?.payload ?? "");
        },
      } as unknown as Options,
      1_200,
    );
    await slow.push(20);
    expect(await slow.drain.run({ budgetMs: 1_000_000 })).toMatchObject({ stopped: "paused", acked: 2 });
  });

  it("holds up no message for more than a second where Redis does not answer", async () => {
    let isSilent = false;
    const { clock, drain, push, began } = slowDrain({}, 2_000, (redis) => ({
      ...redis,
      pipeline: async (commands, about) => {
        if (!isSilent) return redis.pipeline(commands, about);
        queueMicrotask(() => clock.advance(1_000));
        return new Promise(() => undefined);
      },
    }));
    await push(3);
    isSilent = true;
    expect(await drain.run({ budgetMs: 1_000_000 })).toMatchObject({ acked: 3, stopped: "empty" });
    expect(began.map(({ at }) => at - (began[0]?.at ?? 0))).toEqual([0, 3_000, 6_000]);
  });

  it("is not seen, and ends nothing, where Redis refuses to tell", async () => {
    const { drain, push } = slowDrain({}, 2_000, (redis) => ({
      ...redis,
      pipeline: () => Promise.reject(new Error("refused")),
    }));
    await push(3);
    expect(await drain.run({ budgetMs: 1_000_000 })).toMatchObject({ acked: 3, error: null });
  });
});

describe("an answer that comes late", () => {
  it("lets no message begin before those that wait for a later one", async () => {
    const clock = new ManualClock();
    const answers: ((isPaused: boolean) => void)[] = [];
    const run = {
      clock,
      startedAt: clock.now(),
      broker: { isPaused: () => new Promise<boolean>((resolve) => answers.push(resolve)) },
      stopper: { isStopped: false, isHeldBack: false },
      maxRequests: Number.POSITIVE_INFINITY,
      requestsPerMessage: 0,
      markersPerMessage: 0,
      meter: { requests: 0, elsewhere: 0, commands: 0 },
    };
    const watch = new PauseWatch(run as unknown as RunParts);
    const batch = { messages: [] } as unknown as Batch;
    clock.advance(1_000);
    const first = watch.beforeBegin(batch);
    clock.advance(1_000);
    await first;
    const second = watch.beforeBegin(batch);
    answers[0]?.(false);
    await new Promise(setImmediate);

    expect(second).toBeInstanceOf(Promise);
    expect(watch.beforeBegin(batch)).toBe(second);
  });
});

describe("asking for a pause", () => {
  it.each<[string, Options, number, number, object, number]>([
    ["nothing in batches of quick messages", {}, 1, 3_000, {}, 0],
    ["nothing in batches of a tenth of a second", {}, 10, 300, { batchSize: 10 }, 0],
    ["nothing where all messages of a batch begin at once", { concurrency: 20 }, 5_000, 20, {}, 0],
    ["a command a second at most", {}, 100, 100, {}, 9],
    ["a command a message at most", {}, 30_000, 5, {}, 4],
    ["no request that a run does not have", {}, 30_000, 5, { maxRequests: 10 }, 0],
  ])("costs %s", async (_title, options, handlerMs, count, { batchSize, ...run }: Options, most) => {
    const { drain, push, asked } = slowDrain({ ...options, ...(batchSize && { batchSize }) }, handlerMs);
    await push(count);
    expect(await drain.run({ budgetMs: 1_000_000, ...run })).toMatchObject({ acked: count });
    expect(asked()).toBeLessThanOrEqual(most);
    if (most > 0) expect(asked()).toBeGreaterThan(0);
  });
});
