import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import {
  createDrain,
  type DrainOptions,
  idempotent,
  type RedisClient,
  RedisTransportError,
} from "../../src/index.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** Counts what is sent as a platform would, and fails as told; time passes by itself where someone waits for it. */
class Platform implements RedisClient {
  readonly name = "counted";
  readonly clock = new ManualClock();
  readonly redis = memory();
  sent = 0;
  readonly #fails: () => boolean;

  constructor(fails: () => boolean = () => false) {
    this.#fails = fails;
  }

  command(...given: Parameters<RedisClient["command"]>) {
    return this.request(() => this.redis.command(...given));
  }
  pipeline(...given: Parameters<RedisClient["pipeline"]>) {
    return this.request(() => this.redis.pipeline(...given));
  }
  async close(): Promise<void> {}

  async request<Reply>(run: () => Promise<Reply>): Promise<Reply> {
    this.sent += 1;
    if (this.#fails()) throw new RedisTransportError("Lost.", { isRetryable: true });
    return run();
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

async function drainOf(platform: Platform, options: Partial<DrainOptions>, requestsPerMessage = 0) {
  const list = "mail";
  const { clock } = platform;
  const pushing = createDrain({ redis: platform.redis, list, handler: () => undefined });
  await pushing.push(Array.from({ length: 300 }, (_, at) => String(at)));
  const drain = createDrain({
    redis: platform,
    list,
    clock,
    handler: () => undefined,
    continuation: { name: "counted", invoke: () => platform.request(async () => null) },
    ...options,
  });
  return settled(clock, drain.run({ maxRequests: 50, requestsPerMessage, budgetMs: 3_600_000 }));
}

describe("a drain under a limit of requests", () => {
  it("counts the markers of an idempotent handler, settles what it claims, and goes on", async () => {
    const platform = new Platform();
    const report = await drainOf(platform, { handler: idempotent(() => undefined, { ttlMs: 60_000 }) });
    expect(report).toMatchObject({ stopped: "budget", continuedWith: "counted", error: null });
    expect(report.acked).toBe(report.claimed);
    expect(report.acked).toBeGreaterThan(20);
    expect(platform.sent).toBeLessThanOrEqual(50);
  });

  it("stays below it, its handlers' own requests included, however often Redis does not answer", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.infiniteStream(fc.integer({ min: 1, max: 10 })),
        fc.integer({ min: 0, max: 7 }),
        fc.integer({ min: 0, max: 2 }),
        async (dice, failsOfTen, requestsPerMessage) => {
          let isHandling = false;
          const platform = new Platform(() => !isHandling && dice.next().value <= failsOfTen);
          const handler = async (): Promise<void> => {
            isHandling = true;
            for (let sent = 0; sent < requestsPerMessage; sent++) await platform.request(async () => null);
            isHandling = false;
          };
          await drainOf(platform, { handler, batchSize: 5, concurrency: 1 }, requestsPerMessage);
          expect(platform.sent).toBeLessThanOrEqual(50);
        },
      ),
      { numRuns: 200 },
    );
  });
});
