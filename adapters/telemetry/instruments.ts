import type { Attributes, Counter, Gauge, Histogram, Meter, UpDownCounter } from "@opentelemetry/api";
import type { DrainReport } from "../../src/index.ts";
import { names, type Operation, operationOn } from "./conventions.ts";

/** Seconds, as the conventions advise for durations. */
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** What is measured. */
export class Instruments {
  readonly #processing: Histogram;
  readonly #operations: Histogram;
  readonly #consumed: Counter;
  readonly #sent: Counter;
  readonly #settled: Counter;
  readonly #inFlight: UpDownCounter;
  readonly #backlog: Gauge;
  readonly #oldest: Gauge;
  readonly #brake: Gauge;

  constructor(meter: Meter) {
    const duration = (name: string, description: string): Histogram =>
      meter.createHistogram(name, {
        description,
        unit: "s",
        advice: { explicitBucketBoundaries: boundaries },
      });
    const ofMessages = (description: string) => ({ description, unit: "{message}" });
    this.#processing = duration(names.processDuration, "How long handlers took.");
    this.#operations = duration(names.operationDuration, "How long requests to Redis took.");
    this.#consumed = meter.createCounter(names.consumedMessages, ofMessages("Messages claimed."));
    this.#sent = meter.createCounter(names.sentMessages, ofMessages("Messages pushed."));
    this.#settled = meter.createCounter(
      "spillway.messages.settled",
      ofMessages("What became of messages, by spillway.outcome."),
    );
    this.#inFlight = meter.createUpDownCounter(
      "spillway.messages.in_flight",
      ofMessages("Messages whose handler runs."),
    );
    this.#backlog = meter.createGauge(
      "spillway.list.backlog",
      ofMessages("Messages left in the list, as a run last saw it."),
    );
    this.#oldest = meter.createGauge("spillway.list.oldest_age", {
      description: "How old the oldest message was that the last run claimed.",
      unit: "s",
    });
    this.#brake = meter.createGauge("spillway.list.brake", {
      description: "1 while the brake holds the list, as a run last saw it.",
    });
  }

  processing(list: string, seconds: number, more: Attributes): void {
    this.#processing.record(seconds, { ...operationOn(list, "process"), ...more });
  }

  operation(list: string, operation: Operation, seconds: number, more: Attributes): void {
    this.#operations.record(seconds, { ...operationOn(list, operation), ...more });
  }

  consumed(list: string, count: number): void {
    this.#consumed.add(count, operationOn(list, "receive"));
  }

  sent(list: string, count: number, more: Attributes): void {
    this.#sent.add(count, { ...operationOn(list, "send"), ...more });
  }

  inFlight(list: string, change: number): void {
    this.#inFlight.add(change, { [names.destination]: list });
  }

  backlog(list: string, count: number): void {
    this.#backlog.record(count, { [names.destination]: list });
  }

  brake(list: string, isOn: boolean): void {
    this.#brake.record(isOn ? 1 : 0, { [names.destination]: list });
  }

  /** What a run has come to. */
  report(list: string, report: DrainReport): void {
    const ends = {
      ack: report.acked,
      retry: report.retried,
      "dead-letter": report.deadLettered,
      release: report.released,
      recover: report.recovered,
      lost: report.lostLease,
      keep: report.leftBehind,
    };
    for (const [outcome, count] of Object.entries(ends))
      if (count > 0) this.#settled.add(count, { [names.destination]: list, "spillway.outcome": outcome });
    if (report.oldestMs !== null) this.#oldest.record(report.oldestMs / 1_000, { [names.destination]: list });
  }
}
