import { describe, expect, it } from "vitest";
import { hopEvent } from "../../adapters/hosts/lambda/events.ts";
import { lambdaContinuation, lambdaHandler } from "../../adapters/hosts/lambda/index.ts";
import { metricsLine } from "../../adapters/hosts/lambda/metrics.ts";
import type { Drain, DrainReport, RunOptions } from "../../src/index.ts";
import { ContinuationError, OptionError } from "../../src/index.ts";

const context = {
  functionName: "drain",
  invokedFunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:drain:live",
  awsRequestId: "request-1",
  getRemainingTimeInMillis: () => 30_000,
};

const report = {
  claimed: 3,
  acked: 2,
  retried: 1,
  deadLettered: 0,
  released: 0,
  unsettled: 0,
  finished: 0,
  lostLease: 0,
  recovered: 0,
  remaining: 7,
  nextDueAt: null,
  stopped: "budget",
  continuedWith: "lambda",
  declined: null,
  requests: 2,
  commands: 9,
  elapsedMs: 12,
  failures: [],
  error: null,
} satisfies DrainReport;

/** A drain that notes how it was run and gives one report. */
function recorded(given: DrainReport = report): { drain: Drain; runs: RunOptions[] } {
  const runs: RunOptions[] = [];
  const drain = {
    list: "mail",
    run: async (options: RunOptions = {}) => {
      runs.push(options);
      return given;
    },
    stats: async () => ({ list: 0, working: 0, leases: 0, delayed: 0, dead: 0, nextDueAt: null, paused: false }),
  } as unknown as Drain;
  return { drain, runs };
}

const quiet = { metrics: false } as const;

describe("a Lambda function takes", () => {
  it("a schedule, and whatever it does not know, for a tick", async () => {
    const rule = { version: "0", source: "aws.events", "detail-type": "Scheduled Event", detail: {} };
    for (const event of [{}, null, undefined, "x", rule, { some: "input" }]) {
      const { drain, runs } = recorded();
      const result = await lambdaHandler(drain, quiet)(event, context);

      expect(runs).toMatchObject([{ chain: { id: "request-1", hop: 0 } }]);
      expect(result).toEqual(report);
    }
  });

  it("its own event for the next hop of that chain, if it is of its list", async () => {
    const { drain, runs } = recorded();
    const handler = lambdaHandler(drain, quiet);
    await handler(hopEvent({ list: "mail", chain: { id: "chain", hop: 4 } }), context);
    await handler(hopEvent({ list: "another", chain: { id: "chain", hop: 4 } }), context);

    expect(runs).toMatchObject([{ chain: { id: "chain", hop: 4 } }, { chain: { id: "request-1", hop: 0 } }]);
  });

  it("no garbage for a hop, and no other source's messages, which it would lose", async () => {
    const { drain, runs } = recorded();
    const handler = lambdaHandler(drain, quiet);
    const bad = [null, {}, { list: "mail", chainId: "c", hop: 0 }, { list: 1, chainId: "c", hop: 1 }];
    for (const spillway of bad) {
      await expect(handler({ spillway }, context)).rejects.toThrow(ContinuationError);
    }
    await expect(handler({ Records: [{ body: "work" }] }, context)).rejects.toThrow(/SQS/);
    expect(runs).toEqual([]);
  });

  it.each([
    [
      "a function URL",
      {
        version: "2.0",
        rawPath: "/stats",
        rawQueryString: "",
        headers: { authorization: "Bearer secret" },
        requestContext: { http: { method: "GET", path: "/stats" }, domainName: "x.lambda-url.aws" },
        isBase64Encoded: false,
      },
    ],
    [
      "API Gateway v1",
      {
        httpMethod: "GET",
        path: "/stats",
        resource: "/stats",
        headers: { authorization: "Bearer secret", Host: "api.example" },
        multiValueHeaders: { authorization: ["Bearer secret"], Host: ["api.example"] },
        queryStringParameters: null,
        multiValueQueryStringParameters: null,
        requestContext: { domainName: "api.example", httpMethod: "GET", path: "/stats" },
        body: null,
        isBase64Encoded: false,
      },
    ],
    [
      "a load balancer",
      {
        httpMethod: "GET",
        path: "/stats",
        headers: { authorization: "Bearer secret", host: "alb.example" },
        queryStringParameters: {},
        requestContext: { elb: { targetGroupArn: "arn" } },
        body: "",
        isBase64Encoded: false,
      },
    ],
  ])("HTTP from %s", async (_name, event) => {
    const { drain } = recorded();
    const answer = await lambdaHandler(drain, { ...quiet, token: async () => "secret" })(event, context);
    const refused = await lambdaHandler(drain, { ...quiet, token: "other" })(event, context);

    expect(answer).toMatchObject({ statusCode: 200 });
    expect(JSON.parse((answer as { body: string }).body)).toMatchObject({ list: "mail" });
    expect(refused).toMatchObject({ statusCode: 401 });
  });
});

describe("a Lambda function's budget", () => {
  const budget = async (remainingMs: number, options: object = {}): Promise<number | undefined> => {
    const { drain, runs } = recorded();
    const given = { ...context, getRemainingTimeInMillis: () => remainingMs };
    await lambdaHandler(drain, { ...quiet, ...options })({}, given);
    return runs[0]?.budgetMs;
  };

  it("is what the invocation has left, less the margin, which is never more than a third", async () => {
    expect(await budget(60_000)).toBe(58_000);
    expect(await budget(3_000)).toBe(2_000);
    expect(await budget(60_000, { marginMs: 5_000 })).toBe(55_000);
    expect(await budget(60_000, { budgetMs: 10_000 })).toBe(10_000);
    expect(await budget(0)).toBe(1);
  });
});

describe("a Lambda function's drain", () => {
  it("is made once for all warm invocations, and again where making it failed", async () => {
    let made = 0;
    const { drain, runs } = recorded();
    const handler = lambdaHandler(async () => {
      made += 1;
      if (made === 1) throw new Error("no secrets");
      return drain;
    }, quiet);

    await expect(handler({}, context)).rejects.toThrow("no secrets");
    await handler({}, context);
    await handler({}, context);
    expect([made, runs.length]).toEqual([2, 2]);
  });

  it("is returned with its error, not thrown, so that Lambda does not retry beside the chain", async () => {
    const failed: DrainReport = { ...report, stopped: "error", error: new Error("refused") };
    const { drain } = recorded(failed);

    expect(await lambdaHandler(drain, quiet)({}, context)).toMatchObject({
      stopped: "error",
      error: { name: "Error", message: "refused" },
    });
  });

  it("is refused at construction where an option cannot work", () => {
    const { drain } = recorded();
    expect(() => lambdaHandler(null as never)).toThrow(OptionError);
    expect(() => lambdaHandler(drain, { token: "" })).toThrow(OptionError);
    expect(() => lambdaHandler(drain, { budgetMs: 0 })).toThrow(OptionError);
    expect(() => lambdaHandler(drain, { marginMs: -1 })).toThrow(OptionError);
    expect(() => lambdaContinuation({ maxHops: -1 })).toThrow(OptionError);
    expect(() => lambdaContinuation({ recursiveLoop: "Maybe" as never })).toThrow(OptionError);
  });
});

describe("metrics", () => {
  const about = { namespace: "Spillway", list: "mail", chain: { id: "c", hop: 2 }, at: 1_000 };
  const read = (given: DrainReport): Record<string, unknown> & { _aws: { CloudWatchMetrics: unknown[] } } =>
    JSON.parse(metricsLine(given, about));

  it("are one line of embedded metric format a drain, with each metric declared and valued", () => {
    const line = read(report);
    const [{ Namespace, Dimensions, Metrics }] = line._aws.CloudWatchMetrics as [
      { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] },
    ];

    expect([Namespace, Dimensions]).toEqual(["Spillway", [["List"]]]);
    for (const { Name } of Metrics) expect(line[Name]).toEqual(expect.any(Number));
    expect(line).toMatchObject({ List: "mail", Acked: 2, Remaining: 7, Errors: 0, ChainBroken: 0, hop: 2 });
    expect(metricsLine(report, about)).not.toContain("\n");
  });

  it("tell a failed drain from a broken chain, and leave out what is not known", () => {
    expect(read({ ...report, stopped: "error", error: new Error("x") })).toMatchObject({
      Errors: 1,
      ChainBroken: 0,
    });
    expect(read({ ...report, continuedWith: null, error: new Error("429") })).toMatchObject({
      Errors: 0,
      ChainBroken: 1,
    });
    expect(read({ ...report, remaining: null })).not.toHaveProperty("Remaining");
  });
});
