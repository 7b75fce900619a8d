/**
 * Spillway: the reliable consumer that Redis lists lack on serverless platforms.
 *
 * @example
 * import { createDrain } from "spillway";
 * import { upstash } from "spillway/upstash";
 *
 * const drain = createDrain({
 *   redis: upstash({ url, token }),
 *   list: "emails",
 *   handler: async (message) => { await send(message.value); },
 * });
 * const report = await drain.run({ budgetMs: 25_000 });
 *
 * @module
 */

// A drain of one list: made once, run by any number of invocations.

export type { DrainStats } from "./broker/broker.ts";
export type { Drain, HostedDrain } from "./create-drain.ts";
export { createDrain, plainEngine } from "./create-drain.ts";
export type {
  Brake,
  DeadLetterLimits,
  DrainOptions,
  EveryDrainOption,
  PlainEngine,
} from "./options/drain-options.ts";
export type { RunOptions } from "./options/run-options.ts";
export type { FailureCount } from "./run/failures.ts";
export type { DrainReport, StopReason } from "./run/report.ts";
export type { ShardOptions } from "./shards/sharded-drain.ts";

// Several lists in one deployment.

export { createSpillway } from "./create-spillway.ts";
export type { ListsReport } from "./lists/fair-report.ts";
export type { ListsStats } from "./lists/lists-stats.ts";
export type { Spillway } from "./lists/several-lists.ts";
export type { ListOptions, SpillwayOptions } from "./lists/spillway-options.ts";

// What a handler gets, and what it may say.

export type { BatchBy, BatchGroup } from "./handling/batch-groups.ts";
export { type Codec, type Encoded, jsonCodec } from "./handling/codec.ts";
export { type Ack, ack, type Effect, type EffectsOptions, forward } from "./handling/effects.ts";
export type {
  BatchHandler,
  BatchHandlerReturn,
  FailedMessages,
  Handler,
  HandlerReturn,
  MessageVerdict,
} from "./handling/handler.ts";
export { idempotent } from "./handling/idempotent.ts";
export type { Message } from "./handling/message.ts";
export type { SentAt } from "./handling/message-age.ts";
export {
  deadLetter,
  type HandlerOutcome,
  NonRetryableError,
  Overloaded,
  release,
  retry,
} from "./handling/outcome.ts";
export type { Backoff, Failure, RetryDelay } from "./handling/retry-policy.ts";
export { SchemaError, type StandardSchema } from "./handling/schema.ts";

// Order, scale and shards.

export { byKey, strictOrder } from "./order/order.ts";
export type { KeyOf, KeyOrder, Order } from "./order/order-option.ts";
export { type ScaleOut, type ScaleOutOptions, scaleOut } from "./scale/scale-out.ts";
export { type ReshardOptions, reshard } from "./shards/reshard.ts";
export { shardOf } from "./shards/shard-names.ts";

// Pushing, waiting and waking.

export type { WaitOptions } from "./chain/wait.ts";
export type { Woken } from "./chain/wake.ts";
export type { PushResult } from "./push/push.ts";
export type { Pushable, PushOptions } from "./push/push-options.ts";

// What an operator does and sees.

export type { KeyLimit, Limits, ListLimit, RateLimit } from "./operations/control.ts";
export type { DeadLetter } from "./operations/dead-letter.ts";
export type { DeadLetterWhere } from "./operations/dead-letter-where.ts";
export type { DeadLetterChange, DeadLetterSelection, DeadLetters } from "./operations/dead-letters.ts";
export type { Lease, LeaseOptions } from "./operations/leases.ts";
export type { PeekedMessage, PeekOptions } from "./operations/peek.ts";

// Events.

export type { DrainEvents, EventListeners, EventName, Listener, ToldMessage } from "./events/events.ts";
export { type Listeners, listeners, type On } from "./events/listeners.ts";

// Errors: one base, a closed set of codes.

export {
  ClosedError,
  ContinuationError,
  type ContinuationErrorCode,
  EffectError,
  HandlerTimeoutError,
  MissingPackageError,
  OptionError,
  PushIncompleteError,
  RedisProtocolError,
  RedisReplyError,
  RedisTooLargeError,
  RedisTransportError,
  SpillwayError,
  type SpillwayErrorCode,
} from "./errors.ts";

// Ports and forms that an adapter implements or reads.

export { type Bytes, fromBytes, fromText, toBytes, toText, toTextExact } from "./bytes.ts";
export type { Continuation, Declined, NextDrain } from "./chain/continuation.ts";
export {
  type ChainPosition,
  type Hop,
  type HopFields,
  type ReceiveHop,
  readHop,
  readHopText,
  writeHop,
} from "./chain/hop.ts";
export type { Clock } from "./clock.ts";
export type {
  ByteString,
  RedisClient,
  RedisCommand,
  RedisReply,
  RedisRequestOptions,
} from "./redis/redis-client.ts";
