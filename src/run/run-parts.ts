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
  /** The lease the user asked for; without it a lease lasts as long as the run may. */
  readonly leaseMs: number | undefined;
  readonly maxMessages: number;
  readonly maxRequests: number;
  readonly requestsPerMessage: number;
  /** Requests a message that note it as done: 1 where the handler is `idempotent`. */
  readonly markersPerMessage: number;
  readonly chain: ChainPosition;
  readonly continuation: Continuation | undefined;
  /** Starts others beside this drain; undefined where none are to be. */
  readonly scaleOut: ScaleOut | undefined;
  readonly randomId: () => string;
  readonly handlerTimeoutMs: number | undefined;
  /** Told each failure. Never throws. */
  readonly onFailure?: (failure: Failure) => void;
  /** Resolves when all who were told of something are done with it. Never rejects. */
  readonly untilTold?: () => Promise<void>;
  /** Whether the list is one of several that are shards of one, or that list itself. */
  readonly isShard?: boolean;
  /** Of a run that is a slice of a longer one: whether it may go on, and who is told what it has come to. */
  readonly mayClaim?: () => boolean;
  /** Of the same: requests that others have sent since it began, of those it may send. */
  readonly requestsBeside?: () => number;
  readonly onEnd?: (ending: Ending) => void;
}

/** What the runs of one drain learn from each other, while its process lives. */
export interface Learned {
  /** What to claim where no `batchSize` is given. */
  batchCount: number;
}
