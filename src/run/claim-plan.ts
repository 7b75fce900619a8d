import type { Batch } from "../broker/broker.ts";
import type { ProcessorOptions } from "../handling/processor.ts";
import * as limits from "../limits.ts";
import type { Meter } from "../redis/sender.ts";
import { leaseReserveShare } from "./lease-watch.ts";
import type { Pace } from "./pace.ts";

interface RequestParts {
  readonly maxRequests: number;
  readonly requestsPerMessage: number;
  readonly markersPerMessage: number;
  readonly meter: Meter;
}

interface TimeParts {
  readonly handlerTimeoutMs: number | undefined;
  readonly processor: Pick<ProcessorOptions, "handler" | "batchBy" | "schema" | "concurrency">;
  readonly prefetch: 0 | 1;
}

/** How many messages `maxRequests` leaves room for, beside what settling and continuing takes. */
export function countThatRequestsAllow(
  { maxRequests, requestsPerMessage, markersPerMessage, meter }: RequestParts,
  running: Batch | null,
): number {
  // Markers that have been sent are in the meter; those of the batch that runs may be yet to come.
  const underWay = (running?.messages.length ?? 0) * markersPerMessage;
  const left = maxRequests - limits.requestsKept - meter.requests - meter.elsewhere - underWay;
  if (left < 1) return 0;
  const each = requestsPerMessage + markersPerMessage;
  return each === 0 ? Number.POSITIVE_INFINITY : Math.floor((left - 1) / each);
}

/** The longest a batch can take, and the one before it where it is claimed ahead, with the lease's own reserve. */
export function batchMsMax({ handlerTimeoutMs, processor, prefetch }: TimeParts, count: number): number {
  if (handlerTimeoutMs === undefined) return Number.POSITIVE_INFINITY;
  // A batch's schema has the time of a handler, and then the handler has its own.
  const ofBatch = processor.schema ? 2 : 1;
  const ofEach = Math.ceil(count / processor.concurrency);
  // Each message may be a group, and naming it has the schema's time.
  const rounds = processor.handler ? ofEach : processor.batchBy ? ofEach + 1 : ofBatch;
  const workMs = rounds * (1 + prefetch) * handlerTimeoutMs;
  return Math.ceil((workMs * leaseReserveShare) / (leaseReserveShare - 1)) + limits.leaseMarginMs;
}

/**
 * Quick handlers get larger batches, ten times the last one at most, so that round trips do not hold them up: what ten
 * messages took says little of a thousand, and what a hundred took says enough.
 */
export function grownCount(pace: Pace, lastCount: number): number {
  const wanted = Math.min(pace.countThatFits(limits.batchMs), 10 * lastCount);
  return Math.max(limits.batchCount, Math.min(limits.batchCountMax, wanted));
}
