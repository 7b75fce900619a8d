import { context, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import * as conventions from "@opentelemetry/semantic-conventions/incubating";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { names } from "../../adapters/telemetry/conventions.ts";
import { observeStats, openTelemetry } from "../../adapters/telemetry/opentelemetry.ts";
import {
  createDrain,
  createSpillway,
  type DrainOptions,
  OptionError,
  type PushIncompleteError,
  type RedisClient,
  RedisTransportError,
  retry,
} from "../../src/index.ts";
import { hostileValues } from "../support/hostile-values.ts";
import { testToken } from "../support/redis.ts";
import { useClient, useRestServer } from "../support/redis-under-test.ts";

const spans = new InMemorySpanExporter();
const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] });
const producerTrace = "0af7651916cd43dd8448eb211c80319c";
const producerSpan = "b7ad6b7169203331";
const traceparent = `00-${producerTrace}-${producerSpan}-01`;

const served = useRestServer();
const client = useClient(served, ({ url }) => upstash({ url, token: testToken }));
const { door } = served;

function make(options: Partial<DrainOptions>, more: Parameters<typeof openTelemetry>[0] = {}) {
  return createDrain({
    redis: client(),
    list: "mail",
    concurrency: 1,
    prefetch: 0,
    telemetry: openTelemetry({ tracerProvider, ...more }),
    ...options,
  } as DrainOptions);
}

const named = (name: string): ReadableSpan[] => spans.getFinishedSpans().filter((one) => one.name === name);
const only = (name: string): ReadableSpan => {
  expect(named(name)).toHaveLength(1);
  return named(name)[0] as ReadableSpan;
};

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => context.disable());
beforeEach(() => spans.reset());

describe("the spans of a drain", () => {
  it("are one of the run, and its children for what was received, processed and settled", async () => {
    await door.redis.lpush("mail", '"a"', '"b"');
    await make({ handler: () => undefined }).run({ chain: { id: "chain", hop: 3 } });

    const drain = only("drain mail");
    expect(drain.attributes).toMatchObject({
      [names.system]: "redis",
      [names.destination]: "mail",
      "spillway.chain.id": "chain",
      "spillway.hop": 3,
      "spillway.acked": 2,
      "spillway.stopped": "empty",
    });
    for (const [operation, kind] of [
      ["receive", SpanKind.CLIENT],
      ["process", SpanKind.CONSUMER],
      ["settle", SpanKind.CLIENT],
    ] as const) {
      const [first] = named(`${operation} mail`) as [ReadableSpan];
      expect(first.kind).toBe(kind);
      expect(first.parentSpanContext?.spanId).toBe(drain.spanContext().spanId);
      expect(first.attributes).toMatchObject({
        [names.operationName]: operation,
        [names.operationType]: operation,
      });
    }
    expect(named("receive mail")[0]?.attributes[names.batchCount]).toBe(2);
    expect(only("settle mail").attributes[names.batchCount]).toBe(2);
    expect(named("process mail")).toHaveLength(2);
    expect(named("process mail")[0]?.attributes).toMatchObject({
      [names.bodySize]: 3,
      "spillway.attempt": 1,
      "spillway.outcome": "ack",
    });
    for (const span of spans.getFinishedSpans()) expect(span.status.code).toBe(SpanStatusCode.UNSET);
  });

  it("are around the handler, so that what it does is theirs", async () => {
    await door.redis.lpush("mail", '"a"');
    const tracer = tracerProvider.getTracer("app");
    await make({
      handler: async () => {
        await Promise.resolve();
        tracer.startSpan("query").end();
      },
    }).run();

    expect(only("query").parentSpanContext?.spanId).toBe(only("process mail").spanContext().spanId);
  });

  it.each<[string, DrainOptions["handler"], string, string]>([
    ["throws", () => Promise.reject(new TypeError("no")), "error.type", "TypeError"],
    ["asks for a retry", async () => retry(), "spillway.outcome", "retry"],
    ["asks for a retry at once", () => retry(), "spillway.outcome", "retry"],
    ["returns an error", async () => new RangeError("no") as never, "error.type", "RangeError"],
    ["takes too long", () => new Promise(() => undefined), "error.type", "HandlerTimeoutError"],
  ])("say so where a handler %s", async (_, handler, attribute, value) => {
    await door.redis.lpush("mail", '"a"');
    await make({ handler, handlerTimeoutMs: 50 } as Partial<DrainOptions>).run();

    const span = only("process mail");
    expect(span.attributes[attribute]).toBe(value);
    const isError = attribute === "error.type";
    expect(span.status.code).toBe(isError ? SpanStatusCode.ERROR : SpanStatusCode.UNSET);
  });

  it("hold no payload, whatever an error quotes", async () => {
    const payload = '"4111 1111 1111 1111 a secret number"';
    await door.redis.lpush("mail", payload);
    await make({
      handler: ({ payload: text }) => {
        throw new Error(`cannot send ${text}`);
      },
    }).run();

    const all = spans.getFinishedSpans().map(({ name, attributes, status, events }) => ({
      name,
      attributes,
      status,
      events,
    }));
    expect(JSON.stringify(all)).not.toContain("4111");
    expect(only("process mail").status.message).toContain("cannot send");
  });

  it("are those of a batch, for a batch handler, linked to each message", async () => {
    await door.redis.lpush("mail", JSON.stringify({ traceparent }), "{}");
    await make({ handler: undefined, batchHandler: () => undefined } as never, {
      traceparent: "traceparent",
    }).run();

    const span = only("process mail");
    expect(span.attributes[names.batchCount]).toBe(2);
    expect(span.links.map((link) => link.context.spanId)).toEqual([producerSpan]);
    expect(span.attributes["spillway.outcome"]).toBe("ack");
  });

  it("name no outcome where a handler returns a function that it was to call", async () => {
    await door.redis.lpush("mail", '"a"');
    await make({ handler: () => retry as never }).run();
    expect(only("process mail").attributes).not.toHaveProperty("spillway.outcome");
  });

  it("of a batch name no outcome where it says what became of each message", async () => {
    await door.redis.lpush("mail", "1", "2");
    await make({ handler: undefined, batchHandler: () => [undefined, retry()] } as never).run();
    expect(only("process mail").attributes).not.toHaveProperty("spillway.outcome");
  });
});

describe("a producer's trace", () => {
  it.each<[string, object, Parameters<typeof openTelemetry>[0]]>([
    ["at a path", { meta: { traceparent } }, { traceparent: "meta.traceparent" }],
    [
      "where a function finds it",
      { tp: traceparent },
      { traceparent: { read: ({ value }) => (value as { tp: string }).tp } },
    ],
  ])("is carried on by the handler, and linked by the batch: %s", async (_, message, options) => {
    await door.redis.lpush("mail", JSON.stringify(message));
    await make({ handler: () => undefined }, options).run();

    const process = only("process mail");
    expect(process.spanContext().traceId).toBe(producerTrace);
    expect(process.parentSpanContext?.spanId).toBe(producerSpan);
    expect(process.links[0]?.context.spanId).toBe(only("drain mail").spanContext().spanId);
    for (const operation of ["receive", "settle"])
      expect(named(`${operation} mail`)[0]?.links[0]?.context.spanId).toBe(producerSpan);
  });

  it.each<[string, (messages: object[]) => unknown]>([
    ["an array", (messages) => messages],
    ["an iterable", (messages) => new Set(messages)],
    [
      "a stream",
      async function* (messages) {
        yield* messages;
      },
    ],
    ["one message", ([message]) => message],
  ])("is written by push, and found again: %s", async (_, given) => {
    const drain = make({ handler: () => undefined }, { traceparent: "meta.traceparent" });
    await drain.push(given([{ to: "a", meta: { from: "b" } }]) as object[]);
    const [payload] = await door.redis.lrange("mail", 0, -1);
    await drain.run();

    const send = only("send mail");
    expect(send.kind).toBe(SpanKind.PRODUCER);
    const { spanId, traceId } = send.spanContext();
    expect(JSON.parse(payload as string)).toEqual({
      to: "a",
      meta: { from: "b", traceparent: `00-${traceId}-${spanId}-01` },
    });
    expect(only("process mail").parentSpanContext?.spanId).toBe(spanId);
  });

  it("is not written into text, bytes, arrays and objects that are not plain; nor anywhere without a place", async () => {
    class Mail {
      toJSON = () => "mail";
    }
    const given = ['"text"', new TextEncoder().encode("bytes"), new Mail(), [1]];
    await make({ handler: () => undefined }, { traceparent: "traceparent" }).push(given);
    await make({ handler: () => undefined }).push({ a: 1 });

    expect(await door.redis.lrange("mail", 0, -1)).toEqual(['{"a":1}', "[1]", '"mail"', "bytes", '"text"']);
  });

  // Add a row for what no message can be made of.
  it.each<[string, () => unknown]>([
    ["a rejection", () => Promise.reject(new Error("no"))],
    ["a promise", async () => ({ b: 1 })],
    ["a number", () => 5],
    ["null", () => null],
    ["a function", () => () => undefined],
  ])("whose write gives %s leaves the message as it is", async (_, write) => {
    const place = { read: () => null, write: write as never };
    await make({ handler: () => undefined }, { traceparent: place }).push({ a: 1 });
    expect(await door.redis.lrange("mail", 0, -1)).toEqual(['{"a":1}']);
  });

  it.each(hostileValues)("that is %s changes nothing", async (_, value) => {
    await door.redis.lpush("mail", "{}");
    const report = await make({ handler: () => undefined }, { traceparent: { read: value as never } }).run();
    expect(report).toMatchObject({ acked: 1, error: null });
    expect(only("process mail").links).toEqual([]);
  });
});

/** A meter, and its points by their names: asked for once, at the end. */
function measuring() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const pointsByName = async () => {
    await reader.forceFlush();
    const metrics = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap((scope) => scope.metrics);
    await meterProvider.shutdown();
    return new Map(
      metrics.map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.map(({ attributes, value }) => ({
          ...attributes,
          value: typeof value === "object" && value !== null && "count" in value ? value.count : value,
        })),
      ]),
    );
  };
  return { meterProvider, pointsByName };
}

describe("the metrics of a drain", () => {
  it("count what was pushed before a push ended in its middle", async () => {
    const { meterProvider, pointsByName } = measuring();
    const stream = async function* () {
      for (let at = 0; at < 2_500; at++) yield { at };
      throw new Error("the stream broke");
    };
    const push = make({ handler: () => undefined }, { meterProvider }).push(stream());
    const { pushedCount } = await push.then(
      () => expect.unreachable(),
      (error) => error as PushIncompleteError,
    );
    expect(pushedCount).toBeGreaterThan(0);
    expect(await door.redis.llen("mail")).toBe(pushedCount);
    expect((await pointsByName()).get(names.sentMessages)).toMatchObject([
      { value: pushedCount, "error.type": "PushIncompleteError" },
    ]);
  });

  it("count what was consumed and settled, and measure handlers and requests", async () => {
    const { meterProvider, pointsByName } = measuring();
    await door.redis.lpush("mail", "1000", "2000", "3000");
    const drain = make(
      {
        sentAt: ({ value }) => value as number,
        handler: ({ payload }) => {
          if (payload === "3000") throw new RangeError("no");
        },
      },
      { meterProvider },
    );
    await drain.push("4000");
    const stop = observeStats(drain, { meterProvider });
    await drain.run();
    const points = await pointsByName();
    stop();
    expect(points.get(names.consumedMessages)).toMatchObject([{ [names.destination]: "mail", value: 4 }]);
    expect(points.get(names.sentMessages)).toMatchObject([{ value: 1 }]);
    expect(points.get(names.processDuration)).toMatchObject([
      { value: 3 },
      { "error.type": "RangeError", value: 1 },
    ]);
    expect(points.get(names.operationDuration)?.map((one) => (one as never)[names.operationName])).toEqual(
      expect.arrayContaining(["receive", "settle", "send"]),
    );
    expect(points.get("spillway.messages.settled")).toMatchObject([
      { "spillway.outcome": "ack", value: 3 },
      { "spillway.outcome": "retry", value: 1 },
    ]);
    expect(points.get("spillway.messages.in_flight")).toMatchObject([{ value: 0 }]);
    expect(points.get("spillway.list.backlog")).toMatchObject([{ value: 0 }]);
    expect(points.get("spillway.list.brake")).toMatchObject([{ value: 0 }]);
    expect(points.get("spillway.list.oldest_age")).toMatchObject([{ [names.destination]: "mail" }]);
    expect(points.get("spillway.list.messages")).toEqual(
      expect.arrayContaining([expect.objectContaining({ "spillway.place": "delayed", value: 1 })]),
    );
  });
});

describe("the backlog of a list", () => {
  /** What has a first list, mail, of several or alone: and how it pushes there and runs. */
  const wholes = {
    "a drain": (options: Pick<DrainOptions, "redis" | "telemetry">) => {
      const drain = createDrain({ ...options, list: "mail", handler: () => undefined });
      return { push: (payloads: string[]) => drain.push(payloads), run: drain.run };
    },
    "several lists": (options: Pick<DrainOptions, "redis" | "telemetry">) => {
      const handler = () => undefined;
      const spillway = createSpillway({ ...options, lists: { mail: { handler }, other: { handler } } });
      return { push: (payloads: string[]) => spillway.push("mail", payloads), run: spillway.run };
    },
    "a pattern of lists": (options: Pick<DrainOptions, "redis" | "telemetry">) => {
      const spillway = createSpillway({ ...options, lists: { "ma*": { handler: () => undefined } } });
      return { push: (payloads: string[]) => spillway.push("mail", payloads), run: spillway.run };
    },
  };

  it.each(Object.entries(wholes))(
    "is none once a run has seen that others have taken it: %s",
    async (_, make) => {
      const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
      const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
      const meterProvider = new MeterProvider({ readers: [reader] });
      const backlog = async (): Promise<unknown> => {
        await reader.forceFlush();
        const found = exporter
          .getMetrics()
          .at(-1)
          ?.scopeMetrics.flatMap(({ metrics }) => metrics);
        const gauge = found?.find(({ descriptor }) => descriptor.name === "spillway.list.backlog");
        return gauge?.dataPoints.find(({ attributes }) => attributes[names.destination] === "mail")?.value;
      };
      const redis = memory();
      let isDown = false;
      const unlessDown = <Reply>(send: () => Promise<Reply>): Promise<Reply> =>
        isDown ? Promise.reject(new RedisTransportError("It is down.", { isRetryable: false })) : send();
      const flaky: RedisClient = {
        ...redis,
        command: (command) => unlessDown(() => redis.command(command)),
        pipeline: (commands) => unlessDown(() => redis.pipeline(commands)),
      };
      const whole = make({ redis: flaky, telemetry: openTelemetry({ tracerProvider, meterProvider }) });
      await whole.push(["1", "2", "3"]);
      await whole.run({ maxMessages: 1 });
      expect(await backlog()).toBe(2);
      await redis.command(["DEL", "mail"]);
      isDown = true;
      expect((await whole.run({ budgetMs: 500 })).error).not.toBeNull();
      expect(await backlog()).toBe(2);
      isDown = false;
      await whole.run();
      expect(await backlog()).toBe(0);
      await meterProvider.shutdown();
    },
  );
});

describe("openTelemetry", () => {
  it("is silent without an SDK, and costs no command", async () => {
    await door.redis.lpush("mail", '"a"');
    const plain = createDrain({ redis: client(), list: "mail", handler: () => undefined });
    const { commands } = await plain.run();
    await door.redis.lpush("mail", '"a"');
    const report = await createDrain({
      redis: client(),
      list: "mail",
      handler: () => undefined,
      telemetry: openTelemetry({ traceparent: "traceparent" }),
    }).run();

    expect(report).toMatchObject({ acked: 1, error: null });
    expect(report.commands).toBeLessThanOrEqual(commands);
    expect(spans.getFinishedSpans()).toEqual([]);
  });

  it.each(hostileValues.filter(([name]) => name !== "undefined"))("refuses %s as a place", (_, make) => {
    const value = make();
    void Promise.resolve(value).catch(() => undefined);
    expect(() => openTelemetry({ traceparent: value as never })).toThrow(OptionError);
  });

  it("uses the names of the conventions", () => {
    expect(names).toEqual({
      system: conventions.ATTR_MESSAGING_SYSTEM_NAME,
      destination: conventions.ATTR_MESSAGING_DESTINATION_NAME,
      operationName: conventions.ATTR_MESSAGING_OPERATION_NAME,
      operationType: conventions.ATTR_MESSAGING_OPERATION_TYPE,
      batchCount: conventions.ATTR_MESSAGING_BATCH_MESSAGE_COUNT,
      messageId: conventions.ATTR_MESSAGING_MESSAGE_ID,
      bodySize: conventions.ATTR_MESSAGING_MESSAGE_BODY_SIZE,
      errorType: conventions.ATTR_ERROR_TYPE,
      processDuration: conventions.METRIC_MESSAGING_PROCESS_DURATION,
      consumedMessages: conventions.METRIC_MESSAGING_CLIENT_CONSUMED_MESSAGES,
      sentMessages: conventions.METRIC_MESSAGING_CLIENT_SENT_MESSAGES,
      operationDuration: conventions.METRIC_MESSAGING_CLIENT_OPERATION_DURATION,
    });
  });
});
