/**
 * Spans and metrics of drains, by OpenTelemetry's conventions for messaging. Without an SDK nothing is recorded.
 *
 * @example
 * import { createDrain } from "spillway";
 * import { openTelemetry } from "spillway/opentelemetry";
 *
 * const drain = createDrain({ redis, list: "emails", handler, telemetry: openTelemetry({ traceparent: "traceparent" }) });
 *
 * @module
 */
import {
  context,
  type MeterProvider,
  metrics,
  SpanKind,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import { type Drain, type DrainReport, type DrainStats, PushIncompleteError } from "../../src/index.ts";
import {
  checkOptions,
  type Kinds,
  object,
  type RunParts,
  type WatchedRun,
  type Watcher,
} from "../../src/internals.ts";
import { Backlogs } from "./backlogs.ts";
import { names, operationOn } from "./conventions.ts";
import { Instruments } from "./instruments.ts";
import { RunTelemetry } from "./run-telemetry.ts";
import { endSpan, type Telemetry } from "./spans.ts";
import { placeOf, type TraceparentPlace, withTraceparent } from "./traceparent.ts";

export type { TracedMessage, TraceparentPlace } from "./traceparent.ts";

export interface OpenTelemetryOptions {
  /**
   * Where a message has its producer's `traceparent`, which its handler then goes on with: a path in its value, such as
   * `"traceparent"` or `"headers.traceparent"`, or `{ read, write }`. `push` writes it there, in objects, so that equal messages
   * are not equal any more. Default: nowhere; nothing is read or written.
   */
  traceparent?: string | TraceparentPlace;
  /** Default: the one that your SDK has registered. */
  tracerProvider?: TracerProvider;
  /** Default: the one that your SDK has registered; make it before the first run. */
  meterProvider?: MeterProvider;
}

const kinds = {
  // What it must be is said where it is read.
  traceparent: { wanted: "", allows: () => true },
  tracerProvider: object<TracerProvider>({ methods: ["getTracer"] }),
  meterProvider: object<MeterProvider>({ methods: ["getMeter"] }),
} satisfies Kinds<OpenTelemetryOptions>;

/**
 * For the option `telemetry` of `createDrain` and `createSpillway`; one value may serve many. Spans: `drain`, `receive`,
 * `process`, `settle` and `send`, each with the list's name behind it; the handler runs inside its `process`. None of them holds a
 * payload or a secret. Throws `OptionError` for bad options.
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Watcher {
  const { traceparent, tracerProvider, meterProvider } = checkOptions(kinds, options);
  const place = placeOf(traceparent);
  let instruments: Instruments | undefined;
  let backlogs: Backlogs | undefined;
  const telemetry: Telemetry = {
    place,
    get tracer() {
      return (tracerProvider ?? trace).getTracer("spillway");
    },
    get instruments() {
      instruments ??= new Instruments((meterProvider ?? metrics).getMeter("spillway"));
      return instruments;
    },
    get backlogs() {
      backlogs ??= new Backlogs(this.instruments);
      return backlogs;
    },
  };
  return {
    watch: (parts: RunParts) => new RunTelemetry(telemetry, parts).toParts(),
    around: (about, run) => aroundRun(telemetry, about, run),
    push: (list, given, push) => aroundPush(telemetry, list, given, push),
  };
}

async function aroundRun<Report extends DrainReport>(
  { tracer, instruments, backlogs }: Telemetry,
  about: WatchedRun,
  run: () => Promise<Report>,
): Promise<Report> {
  const { list, chain } = about;
  const span = tracer.startSpan(`drain ${list}`, {
    kind: SpanKind.INTERNAL,
    attributes: {
      [names.system]: "redis",
      [names.destination]: list,
      "spillway.chain.id": chain.id,
      "spillway.hop": chain.hop,
    },
  });
  try {
    const report = await context.with(trace.setSpan(context.active(), span), () =>
      backlogs.around(about, run),
    );
    span.setAttributes({
      "spillway.stopped": report.stopped,
      "spillway.claimed": report.claimed,
      "spillway.acked": report.acked,
      "spillway.retried": report.retried,
      "spillway.dead_lettered": report.deadLettered,
      "spillway.released": report.released,
      "spillway.lost": report.lostLease,
      "spillway.unsettled": report.unsettled,
      "spillway.left_behind": report.leftBehind,
      "spillway.recovered": report.recovered,
      ...(report.continuedWith !== null && { "spillway.continued_with": report.continuedWith }),
    });
    instruments.report(list, report);
    endSpan(span, report.error && { name: report.error.name, message: report.error.message });
    return report;
  } catch (error) {
    endSpan(span, { name: "Error", message: "" });
    throw error;
  }
}

async function aroundPush<Result>(
  { tracer, instruments, place }: Telemetry,
  list: string,
  given: unknown,
  push: (given: unknown) => Promise<Result>,
): Promise<Result> {
  const span = tracer.startSpan(`send ${list}`, {
    kind: SpanKind.PRODUCER,
    attributes: operationOn(list, "send"),
  });
  const startedAt = performance.now();
  let failure: { name: string; message: string } | null = null;
  let pushed = 0;
  try {
    const within = trace.setSpan(context.active(), span);
    const result = await context.with(within, () => push(withTraceparent(given, place, span.spanContext())));
    pushed = (result as { pushed: number }).pushed;
    return result;
  } catch (error) {
    const { name } = error as Error;
    failure = { name, message: "" };
    if (error instanceof PushIncompleteError) pushed = error.pushedCount;
    throw error;
  } finally {
    span.setAttribute(names.batchCount, pushed);
    const more = endSpan(span, failure);
    instruments.operation(list, "send", (performance.now() - startedAt) / 1_000, more);
    if (pushed > 0) instruments.sent(list, pushed, more);
  }
}

/**
 * Reports how many messages are where, as the gauge `spillway.list.messages` by `spillway.place`, whenever metrics are
 * collected; for processes that stay, since each collection asks Redis. Returns what ends it.
 */
export function observeStats(
  drain: Pick<Drain, "list" | "stats">,
  options: { readonly meterProvider?: MeterProvider } = {},
): () => void {
  const meter = (options.meterProvider ?? metrics).getMeter("spillway");
  const gauge = meter.createObservableGauge("spillway.list.messages", {
    description: "Messages by spillway.place, as Redis has them.",
    unit: "{message}",
  });
  const observe: Parameters<typeof gauge.addCallback>[0] = async (result) => {
    // Where Redis cannot be reached there is nothing to report.
    const stats = await drain.stats().catch(() => null);
    if (!stats) return;
    for (const place of places)
      result.observe(stats[place], { [names.destination]: drain.list, "spillway.place": place });
  };
  gauge.addCallback(observe);
  return () => gauge.removeCallback(observe);
}

const places = ["list", "working", "delayed", "dead", "parked"] as const satisfies (keyof DrainStats)[];
