import { describe, expect, it, onTestFinished, vi } from "vitest";
import { hopEvent } from "../../adapters/hosts/lambda/events.ts";
import { lambdaContinuation, lambdaHandler } from "../../adapters/hosts/lambda/index.ts";
import { metricsLine } from "../../adapters/hosts/lambda/metrics.ts";
import type { DrainReport } from "../../src/index.ts";
import { ContinuationError, OptionError } from "../../src/index.ts";
import { carried, foreignEvents, httpEvents, malformedHops, ticks } from "../support/lambda/events.ts";
import { recordedDrain } from "../support/recorded-drain.ts";

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
  leftBehind: 0,
  finished: 0,
  lostLease: 0,
  recovered: 0,
  remaining: 7,
  oldestMs: null,
  nextDueAt: null,
  stopped: "budget",
  continuedWith: "lambda",
  declined: null,
  started: 0,
  requests: 2,
  commands: 9,
  elapsedMs: 12,
  failures: [],
  error: null,
} satisfies DrainReport;

const recorded = (given: DrainReport = report) => recordedDrain(given);

const quiet = { metrics: false, log: () => undefined } as const;

describe("a Lambda function takes", () => {
  it.each(ticks)("%s for a tick", async (_name, event) => {
    const { drain, runs } = recorded();
    const result = await lambdaHandler(drain, quiet)(event, context);

    expect(runs).toMatchObject([{ chain: { id: "request-1", hop: 0 } }]);
    expect(result).toEqual(report);
  });

  it("its own event for the next hop of that chain, if it is of its list", async () => {
    const { drain, runs } = recorded();
    const handler = lambdaHandler(drain, quiet);
    await handler(hopEvent({ list: "mail", chain: { id: "chain", hop: 4 } }), context);
    await handler(hopEvent({ list: "another", chain: { id: "chain", hop: 4 } }), context);

    expect(runs).toMatchObject([{ chain: { id: "chain", hop: 4 } }, { chain: { id: "request-1", hop: 0 } }]);
  });

  it.each(malformedHops)("no garbage for a hop: %s", async (_name, spillway) => {
    const { drain, runs } = recorded();
    const given = lambdaHandler(drain, quiet)({ spillway }, context);

    await expect(given).rejects.toThrow(ContinuationError);
    await expect(given).rejects.not.toThrow(carried);
    expect(runs).toEqual([]);
  });

  it.each(httpEvents)("HTTP from %s, and nothing of it without the token", async (_name, make) => {
    const { drain, runs } = recorded();
    const handler = lambdaHandler(drain, { ...quiet, token: async () => "secret" });
    const call = (method: string, path: string, token: string): Promise<unknown> =>
      handler(make({ method, path, authorization: `Bearer ${token}` }), context);

    expect(await call("POST", "/drain", "another")).toMatchObject({ statusCode: 401 });
    expect(await call("GET", "/stats", "another")).toMatchObject({ statusCode: 401 });
    expect(runs).toEqual([]);

    const stats = (await call("GET", "/stats", "secret")) as { statusCode: number; body: string };
    expect([stats.statusCode, JSON.parse(stats.body)]).toMatchObject([200, { list: "mail" }]);
    expect(await call("POST", "/drain", "secret")).toMatchObject({ statusCode: 200 });
    expect(runs.length).toBe(1);
  });
});

describe("a Lambda function refuses, by a name that shows nothing of what it carries,", () => {
  it.each(foreignEvents)("an event of %s: it would be lost", async (_name, event, named) => {
    const { drain, runs } = recorded();
    const failed = await lambdaHandler(drain, { ...quiet, token: "secret" })(event, context).catch(
      (error: unknown) => error,
    );

    expect(failed).toBeInstanceOf(TypeError);
    const { message } = failed as TypeError;
    expect(message).toMatch(named);
    expect(message).not.toContain(carried);
    expect(message.length).toBeLessThan(500);
    expect(runs).toEqual([]);
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

describe("a Lambda function wants to be told how much time is left:", () => {
  it.each<[string, unknown]>([
    ["no context", undefined],
    ["a context of another kind", { done: () => undefined }],
    ["no number", { ...context, getRemainingTimeInMillis: () => Number.NaN }],
    ["a text", { ...context, getRemainingTimeInMillis: () => "3000" }],
    ["a promise", { ...context, getRemainingTimeInMillis: async () => 3_000 }],
    ["nothing", { ...context, getRemainingTimeInMillis: () => undefined }],
  ])("%s is refused by a name, and begins no drain", async (_name, given) => {
    const { drain, runs } = recorded();
    for (const event of [
      {},
      httpEvents[0]?.[1]({ method: "POST", path: "/drain", authorization: "Bearer t" }),
    ])
      await expect(lambdaHandler(drain, { ...quiet, token: "t" })(event, given as never)).rejects.toThrow(
        "getRemainingTimeInMillis()",
      );
    expect(runs).toEqual([]);
  });

  it("without end is a day", async () => {
    const { drain, runs } = recorded();
    for (const leftMs of [Number.POSITIVE_INFINITY, 1e21])
      await lambdaHandler(drain, quiet)({}, { ...context, getRemainingTimeInMillis: () => leftMs });
    expect(runs.map(({ budgetMs }) => budgetMs)).toEqual([86_400_000, 86_400_000]);
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

  it("is refused where the function that makes it gives none", async () => {
    await expect(lambdaHandler((() => undefined) as never, quiet)({}, context)).rejects.toThrow(OptionError);
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

describe("a Lambda function's log", () => {
  const failed = {
    ...report,
    failures: [{ name: "Error", message: "smtp down", count: 3 }],
  } satisfies DrainReport;
  const logOf = async (given: DrainReport, metrics?: false): Promise<unknown[]> => {
    const lines: string[] = [];
    const log = (line: string): void => void lines.push(line);
    const { drain } = recorded(given);
    await lambdaHandler(drain, metrics === false ? { log, metrics } : { log })({ spillway: "tick" }, context);
    return lines.map((line) => JSON.parse(line));
  };

  it("has the failures of each drain, with metrics or without", async () => {
    const { failures } = failed;
    expect(await logOf(failed)).toMatchObject([{ List: "mail", failures }]);
    expect(await logOf(failed, false)).toMatchObject([{ spillway: { list: "mail", failures } }]);
    expect(await logOf({ ...report, claimed: 0, stopped: "empty" }, false)).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("the log is away");
      },
    ],
    ["rejects", () => Promise.reject(new Error("the log is away"))],
  ])("fails no invocation where it %s, for the drain has run", async (_title, log) => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    onTestFinished(() => logged.mockRestore());
    const { drain } = recorded(failed);
    expect(await lambdaHandler(drain, { log: log as () => void })({}, context)).toMatchObject({ acked: 2 });
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

  it.each([
    ["mail", "mail"],
    ["tenant:a/b #1", "tenant:a/b #1"],
    ["post\u00e9e", "post\\u00e9e"],
    ["\u{1f4e8}", "\\ud83d\\udce8"],
    ["two\nlines\u007f", "two\\u000alines\\u007f"],
    [" ", "\\u0020"],
    ["x".repeat(1_024), "x".repeat(1_024)],
    [`a${"x".repeat(1_023)}b`, `a${"x".repeat(509)}...${"x".repeat(510)}b`],
  ])("of the list %j stand under a name that CloudWatch takes", (list, dimension) => {
    const line = JSON.parse(metricsLine(report, { ...about, list }));
    expect(line.List).toBe(dimension);
    expect(line.listName ?? line.List).toBe(list);
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
    expect(read(report)).not.toHaveProperty("OldestMs");
  });

  it("tell the age of the oldest message, the brake and how many failures there were, with their names beside them", () => {
    const failures = [
      { name: "Error", message: "smtp down", count: 3 },
      { name: "TypeError", message: "no", count: 1 },
    ];
    expect(read({ ...report, oldestMs: 9_000, stopped: "braked", failures })).toMatchObject({
      OldestMs: 9_000,
      Braked: 1,
      Failures: 4,
      failures,
    });
  });
});
