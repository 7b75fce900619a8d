import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import type { RestServer } from "../../adapters/local/rest-server.ts";
import { bundleFunction } from "../support/lambda/bundle.ts";
import {
  type FunctionOptions,
  type Invocation,
  type Lambda,
  startLambda,
} from "../support/lambda/emulator.ts";
import { startRest, startTestRedis, testToken } from "../support/redis.ts";
import { SideDoor } from "../support/side-door.ts";

const messageCount = 30_000;
const budgetMs = 2_000;
/** Far behind the budget: on a busy machine too, only those end here that are meant to. */
const timeoutMs = 6_000;
/** What a drain may have in its hands: the batch it works on, and the one claimed ahead. */
const inFlightMax = 200;

/**
 * The whole path: the function bundled from the built package, the real SDK, an endpoint that treats it as Lambda does,
 * the real Upstash client, and a real Redis. One chain after the other: four at once starve each other's budgets of CPU.
 */
describe(`${messageCount} messages through self-invocations of 2 s`, () => {
  let redis: RedisServer;
  let rest: RestServer;
  let side: SideDoor;
  let bundle: Awaited<ReturnType<typeof bundleFunction>>;
  const lambdas: Lambda[] = [];

  beforeAll(async () => {
    redis = await startTestRedis();
    rest = await startRest(redis);
    side = new SideDoor(redis.url);
    bundle = await bundleFunction(
      fileURLToPath(new URL("../support/lambda/functions/drain.ts", import.meta.url)),
    );
  });

  afterAll(async () => {
    await Promise.all(lambdas.map((lambda) => lambda.stop()));
    side.close();
    await rest.close();
    await redis.stop();
    await bundle.remove();
  });

  async function deploy(list: string, options: Partial<FunctionOptions> = {}): Promise<Lambda> {
    const lambda = await startLambda();
    lambdas.push(lambda);
    lambda.create({
      name: "drain",
      file: bundle.file,
      timeoutMs,
      recursiveLoop: "Allow",
      maximumRetryAttempts: 0,
      maximumEventAgeMs: 60_000,
      ...options,
      environment: {
        REDIS_URL: rest.url,
        REDIS_TOKEN: testToken,
        LIST: list,
        BUDGET_MS: String(budgetMs),
        WORK_MS: "60",
        SPILLWAY_RECURSIVE_LOOP: "Allow",
        ...options.environment,
      },
    });
    const payloads = Array.from({ length: messageCount }, (_, index) => String(index));
    for (let at = 0; at < messageCount; at += 5_000) {
      await side.redis.lpush(list, ...payloads.slice(at, at + 5_000));
    }
    return lambda;
  }

  const tick = (lambda: Lambda) => lambda.invoke("drain", { spillway: "tick" }, { type: "Event" });

  /** A schedule beside the chain, until nothing is left. */
  async function tickUntilEmpty(lambda: Lambda, list: string): Promise<void> {
    while ((await side.redis.exists(list, `{${list}}:leases`, `{${list}}:delayed`)) > 0) {
      await tick(lambda);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    await lambda.idle();
  }

  it("run each message once, and the chain ends by itself with nothing left", async () => {
    const lambda = await deploy("plain");
    await tick(lambda);
    await lambda.idle();

    expect(repeatedIn(lambda)).toEqual([]);
    expect(hopsOf(lambda.invocations)).toBeGreaterThanOrEqual(12);
    expect(outcomesOf(lambda)).toEqual(["returned"]);
    expect(chainsOf(lambda).size).toBe(1);
    expect(await keysOf("plain")).toEqual([]);
  });

  it("under the recursion wall: the chain stops before it, and a tick of the schedule takes over", async () => {
    const lambda = await deploy("walled", {
      recursiveLoop: "Terminate",
      environment: { SPILLWAY_RECURSIVE_LOOP: "" },
    });
    await tickUntilEmpty(lambda, "walled");

    expect(repeatedIn(lambda)).toEqual([]);
    expect(lambda.dropped).toEqual([]);
    expect(chainsOf(lambda).size).toBeGreaterThanOrEqual(2);
    // One request finds the mark of the live chain, one more asks until when it holds.
    expect(ticksThatWereBusy(lambda)).toContain(2);
    expect(Math.max(...lambda.invocations.map(({ lineage }) => lineage))).toBeLessThan(16);
    expect(await keysOf("walled")).toEqual([]);
  });

  it("with invocations killed at their timeout in the middle of batches: only what was in flight runs again", async () => {
    const lambda = await deploy("killed", { environment: { SPINS_AT: "10000" } });
    await tickUntilEmpty(lambda, "killed");

    const killed = lambda.invocations.filter(({ outcome }) => outcome === "timed-out");
    expect(killed.length).toBe(messageCount / 10_000);
    expect(repeatedIn(lambda).length).toBeLessThanOrEqual(killed.length * inFlightMax);
    expect(await keysOf("killed")).toEqual([]);
  });

  it("with 30 % of the invokes throttled: each message once", async () => {
    const lambda = await deploy("throttled");
    const random = seeded(7);
    let throttledCount = 0;
    lambda.decide = () => {
      const isThrottled = random() < 0.3;
      if (isThrottled) throttledCount += 1;
      return isThrottled ? "throttle" : "pass";
    };
    await tickUntilEmpty(lambda, "throttled");

    expect(repeatedIn(lambda)).toEqual([]);
    expect(throttledCount).toBeGreaterThan(0);
    expect(outcomesOf(lambda)).toEqual(["returned"]);
    expect(await keysOf("throttled")).toEqual([]);
  });

  const keysOf = (list: string) => side.redis.keys(`*${list}*`);
}, 240_000);

/** Payloads that ran more than once. Throws where one never ran. */
function repeatedIn(lambda: Lambda): string[] {
  const runs = new Map<string, number>();
  for (const { logs } of lambda.invocations) {
    for (const line of logs) {
      const payload = /^handled (\d+)$/.exec(line)?.[1];
      if (payload !== undefined) runs.set(payload, (runs.get(payload) ?? 0) + 1);
    }
  }
  expect(runs.size).toBe(messageCount);
  return [...runs].filter(([, count]) => count > 1).map(([payload]) => payload);
}

const hopOf = (invocation: Invocation) =>
  (invocation.event as { spillway?: { chainId: string; hop: number } }).spillway ?? null;

function hopsOf(invocations: readonly Invocation[]): number {
  return invocations.filter((invocation) => hopOf(invocation) !== null).length;
}

function chainsOf(lambda: Lambda): Set<string> {
  return new Set(lambda.invocations.flatMap((invocation) => hopOf(invocation)?.chainId ?? []));
}

/** What each tick cost that found a live chain, in requests. */
function ticksThatWereBusy(lambda: Lambda): number[] {
  const reports = lambda.invocations.flatMap((invocation) =>
    hopOf(invocation) === null ? [invocation.result as { stopped: string; requests: number }] : [],
  );
  return reports.filter(({ stopped }) => stopped === "busy").map(({ requests }) => requests);
}

function outcomesOf(lambda: Lambda): string[] {
  return [...new Set(lambda.invocations.map(({ outcome }) => outcome))];
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
