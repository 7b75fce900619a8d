import type { Broker } from "../broker/broker.ts";
import type { Continuation, Ending } from "../chain/continuation.ts";
import type { ChainPosition } from "../chain/hop.ts";
import type { Clock } from "../clock.ts";
import type { ProcessorOptions } from "../handling/processor.ts";
import type { Failure } from "../handling/retry-policy.ts";
import type { Meter } from "../redis/sender.ts";
import type { ScaleOut } from "../scale/scale-out.ts";
import type { RunDeadline, Stopper } from "./deadline.ts";

/** What one run is given. */
export interface RunParts {
  readonly broker: Broker;
  readonly processor: ProcessorOptions;
  readonly stopper: Stopper;
  readonly deadline: RunDeadline;
  readonly clock: Clock;
  readonly meter: Meter;
  readonly startedAt: number;
  /** Undefined: as many as suit the handlers. */
  readonly batchSize: number | undefined;
  readonly learned: Learned;
  readonly prefetch: 0 | 1;
  readonly maxConcurrency: number;
  /** The lease that the user asked for. Without it, a lease lasts as long as the batch may take. */
  readonly leaseMs: number | undefined;
  readonly maxMessages: number;
  readonly maxRequests: number;
  readonly requestsPerMessage: number;
  /** Requests for each message that note it as done: 1 where the handler is `idempotent`. */
  readonly markersPerMessage: number;
  readonly chain: ChainPosition;
  readonly continuation: Continuation | undefined;
  /** Starts other drains beside this one; undefined where none are to be started. */
  readonly scaleOut: ScaleOut | undefined;
  readonly randomId: () => string;
  readonly handlerTimeoutMs: number | undefined;
  /** Told each failure. Never throws. */
  readonly onFailure?: (failure: Failure) => void;
  /** Resolves when all listeners that were told of something are done with it. Never rejects. */
  readonly untilTold?: () => Promise<void>;
  /** Whether the list is a shard, or a list that has shards. */
  readonly isShard?: boolean;
  /** Of a run that is a slice of a longer one: whether it may claim more. */
  readonly mayClaim?: () => boolean;
  /** Of the same: requests that other slices have sent since it began, which count for its `maxRequests`. */
  readonly requestsBeside?: () => number;
  readonly onEnd?: (ending: Ending) => void;
}

/** What the runs of one drain learn from each other, while its process lives. */
export interface Learned {
  /** What to claim where no `batchSize` is given. */
  batchCount: number;
}
