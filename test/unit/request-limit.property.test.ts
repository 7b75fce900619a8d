import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import {
  createDrain,
  createSpillway,
  type DrainOptions,
  type EveryDrainOption,
  idempotent,
} from "../../src/index.ts";
import { faultyClient } from "../support/faulty-client.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { propertyRuns } from "../support/property-runs.ts";

/** Requests of one invocation as a platform counts them, those of handlers and of the continuation included. */
class Invocation {
  readonly redis = memory();
  readonly client: ReturnType<typeof faultyClient>;
  #elsewhere = 0;

  constructor(fails: () => boolean = () => false) {
    this.client = faultyClient(this.redis, () => (fails() ? "lose-request" : "none"));
  }

  get sentCount(): number {
    return this.client.sent.length + this.#elsewhere;
  }

  request(): null {
    this.#elsewhere += 1;
    return null;
  }
}

/** Ends what a drain waits for. */
async function settled<Value>(clock: ManualClock, value: Promise<Value>): Promise<Value> {
  let isSettled = false;
  void value.finally(() => {
    isSettled = true;
  });
  while (!isSettled) {
    await new Promise(setImmediate);
    clock.advance(50);
  }
  return value;
}

async function drainOf(
  invocation: Invocation,
  options: Partial<EveryDrainOption<unknown>>,
  requestsPerMessage = 0,
) {
  const list = "mail";
  const clock = new ManualClock();
  const pushing = createDrain({ redis: invocation.redis, list, handler: () => undefined });
  await pushing.push(Array.from({ length: 300 }, (_, at) => String(at)));
  const drain = createDrain({
    redis: invocation.client,
    list,
    clock,
    handler: () => undefined,
    continuation: { name: "counted", invoke: async () => invocation.request() },
    ...options,
  } as DrainOptions);
  return settled(clock, drain.run({ maxRequests: 50, requestsPerMessage, budgetMs: 3_600_000 }));
}

describe("a drain under a limit of requests", () => {
  it("counts the markers of an idempotent handler, settles what it claims, and goes on", async () => {
    const invocation = new Invocation();
    const report = await drainOf(invocation, { handler: idempotent(() => undefined, { ttlMs: 60_000 }) });
    expect(report).toMatchObject({ stopped: "budget", continuedWith: "counted", error: null });
    expect(report.acked).toBe(report.claimed);
    expect(report.acked).toBeGreaterThan(20);
    expect(invocation.sentCount).toBeLessThanOrEqual(50);
  });

  it("stays below it, its handlers' own requests included, however often Redis does not answer", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.infiniteStream(fc.integer({ min: 1, max: 10 })),
        fc.integer({ min: 0, max: 7 }),
        fc.integer({ min: 0, max: 2 }),
        async (dice, failsOfTen, requestsPerMessage) => {
          const invocation = new Invocation(() => dice.next().value <= failsOfTen);
          const handler = (): void => {
            for (let sent = 0; sent < requestsPerMessage; sent++) invocation.request();
          };
          await drainOf(invocation, { handler, batchSize: 5, concurrency: 1 }, requestsPerMessage);
          expect(invocation.sentCount).toBeLessThanOrEqual(50);
        },
      ),
      { numRuns: propertyRuns(200) },
    );
  });
});

describe.each([
  ["several lists", false],
  ["shards", true],
] as const)("a run over %s under a limit of requests", (_, hasShards) => {
  it.each([0, 1, 2])(
    "counts its looks, those that decide about other drains, the drains it starts, and %d of each message",
    async (requestsPerMessage) => {
      const invocation = new Invocation();
      const clock = new ManualClock();
      let handled = 0;
      const handler = (): void => {
        clock.advance(100);
        handled += 1;
        for (let sent = 0; sent < requestsPerMessage; sent++) invocation.request();
      };
      const continuation = { name: "counted", invoke: async () => invocation.request() };
      const shared = { redis: invocation.client, clock, continuation, scaleOut: true };
      const ofList = { handler, concurrency: 1, prefetch: 0, batchSize: 12, maxConcurrency: 4 } as const;
      const mails = Array.from({ length: 2_000 }, (_mail, at) => String(at));
      const run = { maxRequests: 60, requestsPerMessage, budgetMs: 3_600_000 };
      const { redis } = invocation;
      const shards = hasShards ? 2 : undefined;
      const pushing = createDrain({ redis, list: "mail", shards, handler } as DrainOptions);
      await pushing.push(mails, hasShards ? { key: () => "of one shard" } : {});
      const all = hasShards
        ? createDrain({ ...shared, ...ofList, list: "mail", shards })
        : createSpillway({ ...shared, lists: { mail: ofList, other: ofList } });
      const report: Promise<unknown> = all.run(run);
      expect(await settled(clock, report)).toMatchObject({ stopped: "budget", error: null });
      expect(handled).toBeGreaterThan(10);
      expect(invocation.sentCount).toBeLessThanOrEqual(60);
    },
  );
});
