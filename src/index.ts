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

// The drain: made once, run by any number of invocations.
export type { BatchBy, BatchGroup } from "./batch-groups.ts";
export type { DrainStats } from "./broker.ts";
// For adapters: bytes-in-a-string and back.
export { type Bytes, fromBytes, fromText, toBytes, toText, toTextExact } from "./bytes.ts";
export type { Clock } from "./clock.ts";
export { type Codec, type Encoded, jsonCodec } from "./codec.ts";
export type { Continuation, Declined, NextDrain } from "./continuation.ts";
export type { KeyLimit, Limits, ListLimit, RateLimit } from "./control.ts";
export type { Drain, HostedDrain } from "./create-drain.ts";
export { createDrain, plainEngine } from "./create-drain.ts";
// Dead letters.
export type { DeadLetter } from "./dead-letter.ts";
export type { DeadLetterWhere } from "./dead-letter-where.ts";
export type { DeadLetterChange, DeadLetterSelection, DeadLetters } from "./dead-letters.ts";
export type {
  Brake,
  DeadLetterLimits,
  DrainOptions,
  EveryDrainOption,
  PlainEngine,
} from "./drain-options.ts";
export { type Ack, ack, type Effect, type EffectsOptions, forward } from "./effects.ts";
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
// Events.
export type { DrainEvents, EventListeners, EventName, Listener, ToldMessage } from "./events.ts";
export type { FailureCount } from "./failures.ts";
// Several lists in one deployment.
export type { ListsReport } from "./fair-report.ts";
export type {
  BatchHandler,
  BatchHandlerReturn,
  FailedMessages,
  Handler,
  HandlerReturn,
  MessageVerdict,
} from "./handler.ts";
// Hops, for continuations and hosts.
export {
  type ChainPosition,
  type Hop,
  type HopFields,
  type ReceiveHop,
  readHop,
  readHopText,
  writeHop,
} from "./hop.ts";
// What a handler gets, and what it may say.
export { idempotent } from "./idempotent.ts";
// What an operator looks at.
export type { Lease, LeaseOptions } from "./leases.ts";
export { type Listeners, listeners, type On } from "./listeners.ts";
export type { ListsStats } from "./lists-stats.ts";
export type { Message } from "./message.ts";
export type { SentAt } from "./message-age.ts";
export { byKey, strictOrder } from "./order.ts";
export type { KeyOf, KeyOrder, Order } from "./order-option.ts";
export {
  deadLetter,
  type HandlerOutcome,
  NonRetryableError,
  Overloaded,
  release,
  retry,
} from "./outcome.ts";
export type { PeekedMessage, PeekOptions } from "./peek.ts";
export type { PushResult } from "./push.ts";
export type { Pushable, PushOptions } from "./push-options.ts";
// Ports: what an adapter implements.
export type {
  ByteString,
  RedisClient,
  RedisCommand,
  RedisReply,
  RedisRequestOptions,
} from "./redis-client.ts";
export type { DrainReport, StopReason } from "./report.ts";
export type { Backoff, Failure, RetryDelay } from "./retry-policy.ts";
export type { RunOptions } from "./run-options.ts";
export { type ScaleOut, type ScaleOutOptions, scaleOut } from "./scale-out.ts";
export { SchemaError, type StandardSchema } from "./schema.ts";
export type { Spillway } from "./several-lists.ts";
// Shards.
export { type ReshardOptions, reshard } from "./shards/reshard.ts";
export { shardOf } from "./shards/shard-names.ts";
export type { ShardOptions } from "./shards/sharded-drain.ts";
export { createSpillway } from "./spillway.ts";
export type { ListOptions, SpillwayOptions } from "./spillway-options.ts";
export type { WaitOptions } from "./wait.ts";
export type { Woken } from "./wake.ts";
