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

export type { DrainStats } from "./broker.ts";
// For adapters: bytes-in-a-string and back.
export { fromBytes, fromText, toBytes, toText, toTextExact } from "./bytes.ts";
export type { Clock } from "./clock.ts";
export { type Codec, type Encoded, jsonCodec } from "./codec.ts";
export type { ChainPosition, Continuation } from "./continuation.ts";
// The drain: made once, run by any number of invocations.
export { createDrain, type Drain, type DrainOptions, type RunOptions } from "./create-drain.ts";
// Errors: one base, a closed set of codes.
export {
  OptionError,
  RedisProtocolError,
  RedisReplyError,
  RedisTransportError,
  SpillwayError,
  type SpillwayErrorCode,
} from "./errors.ts";
// What a handler gets.
export type { Message } from "./message.ts";
export type { BatchHandler, Handler } from "./processor.ts";
export type { Pushable } from "./push.ts";
// Ports: what an adapter implements.
export type {
  ByteString,
  RedisClient,
  RedisCommand,
  RedisReply,
  RedisRequestOptions,
} from "./redis-client.ts";
export type { DrainReport, StopReason } from "./report.ts";
