import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { createDrain, type DrainOptions, type EveryDrainOption, idempotent } from "../../src/index.ts";
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
