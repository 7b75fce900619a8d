import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
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
import { measureTimeScale } from "../support/time-scale.ts";

const list = "mail";
const scaled = measureTimeScale();

describe("one bundled function", () => {
  let redis: RedisServer;
  let rest: RestServer;
  let side: SideDoor;
  let bundle: Awaited<ReturnType<typeof bundleFunction>>;
  let lambda: Lambda;

  beforeAll(async () => {
    redis = await startTestRedis();
    rest = await startRest(redis);
    side = new SideDoor(redis.url);
    bundle = await bundleFunction(
      fileURLToPath(new URL("../support/lambda/functions/drain.ts", import.meta.url)),
    );
  });

  afterAll(async () => {
    side.close();
    await rest.close();
    await redis.stop();
    await bundle.remove();
  });

  beforeEach(async () => {
    await side.redis.flushall();
    lambda = await startLambda();
  });

  afterEach(() => lambda.stop());

  function deploy(workMs: number, options: Partial<FunctionOptions> = {}): void {
    lambda.create({
      name: "drain",
      file: bundle.file,
      timeoutMs: scaled(15_000),
      maximumRetryAttempts: 0,
      ...options,
      environment: {
        REDIS_URL: rest.url,
        REDIS_TOKEN: testToken,
        LIST: list,
        WORK_MS: String(workMs),
        ...options.environment,
      },
    });
  }

  const push = (count: number) =>
    side.redis.lpush(list, ...Array.from({ length: count }, (_, index) => String(index)));
  const resultOf = (invocation: Invocation | undefined) => invocation?.result as Record<string, unknown>;
  const handledIn = (invocations: readonly Invocation[]) =>
    invocations.flatMap(({ logs }) => logs.filter((line) => line.startsWith("handled ")));

  it("drains on a schedule, and logs its report as metrics", async () => {
    deploy(0);
    await push(250);
    await lambda.invoke("drain", { spillway: "tick" }, { type: "Event" });
    await lambda.idle();

    const [invocation] = lambda.invocations;
    expect(resultOf(invocation)).toMatchObject({ stopped: "empty", acked: 250, continuedWith: null });
    const metrics = invocation?.logs
      .filter((line) => line.startsWith('{"_aws"'))
      .map((line) => JSON.parse(line));
    expect(metrics).toMatchObject([
      { List: list, Acked: 250, Remaining: 0, Errors: 0, ChainBroken: 0, hop: 0 },
    ]);
  });

  it("drains on a call of its URL, and refuses one without the token before it touches Redis", async () => {
    deploy(0);
    await push(3);
    const url = lambda.functionUrl("drain");
    const refused = await fetch(`${url}/drain`, { method: "POST" });
    expect(refused.status).toBe(401);
    expect(await side.waiting(list)).toEqual(["0", "1", "2"]);

    const authorization = "Bearer a-token-for-the-url-only";
    const response = await fetch(`${url}/drain`, { method: "POST", headers: { authorization } });
    expect([response.status, await response.json()]).toMatchObject([200, { stopped: "empty", acked: 3 }]);
    expect(await side.everything()).toEqual({});
  });

  it("goes on by the alias it was invoked by", async () => {
    deploy(scaled(25), { aliases: ["live"], environment: { BUDGET_MS: String(scaled(1_500)) } });
    await push(4_000);
    // On a machine too busy to achieve anything in its budget, a chain ends and the next tick goes on.
    while ((await side.redis.exists(list, `{${list}}:leases`, `{${list}}:delayed`)) > 0) {
      await side.expireLeases(list);
      await lambda.invoke("drain", {}, { type: "Event", qualifier: "live" });
      await lambda.idle();
    }

    expect(new Set(handledIn(lambda.invocations)).size).toBe(4_000);
    const hops = lambda.invocations.filter(({ event }) => Object.hasOwn(event as object, "spillway"));
    expect(hops.length).toBeGreaterThan(0);
    expect([...new Set(lambda.invocations.map(({ qualifier }) => qualifier))]).toEqual(["live"]);
  });

  it("ends its chain where only delayed messages are left, and says when they are due", async () => {
    deploy(0);
    await side.redis.lpush(list, "fails-1", "fails-2");
    await lambda.invoke("drain", {}, { type: "Event" });
    await lambda.idle();

    expect(lambda.invocations.length).toBe(1);
    const report = resultOf(lambda.invocations[0]);
    expect(report).toMatchObject({ stopped: "empty", retried: 2, continuedWith: null });
    expect(report.nextDueAt).toBeGreaterThan(0);
  });

  it("fails no invocation for a Redis that is away, so that Lambda does not run it again", async () => {
    deploy(0, { maximumRetryAttempts: 2, environment: { REDIS_URL: "http://127.0.0.1:9" } });
    await lambda.invoke("drain", {}, { type: "Event" });
    await lambda.idle();

    expect(lambda.invocations.length).toBe(1);
    expect(lambda.invocations[0]).toMatchObject({ outcome: "returned", result: { stopped: "error" } });
    expect(lambda.invocations[0]?.logs.join()).toContain('"Errors":1');
  });

  it("keeps one client and its connection over warm invocations", async () => {
    deploy(0);
    for (const _ of [1, 2, 3]) {
      await push(10);
      await lambda.invoke("drain", {}, { type: "Event" });
      await lambda.idle();
    }
    expect(new Set(lambda.invocations.map(({ environmentId }) => environmentId)).size).toBe(1);
    expect(handledIn(lambda.invocations).length).toBe(30);
  });

  it("refuses events of other sources loudly: to take them would lose their messages", async () => {
    deploy(0);
    const { functionError, payload } = await lambda.invoke("drain", {
      Records: [{ body: "an SQS message" }],
    });
    expect(functionError).toBe("Unhandled");
    expect(payload).toMatchObject({ errorMessage: expect.stringContaining("Records") });
  });
});
