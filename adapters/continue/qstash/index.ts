/**
 * QStash for a drain: `continuation: qstashContinuation({ url, token })` publishes hops and timers, and `receiveHop:
 * qstashReceiver({ currentSigningKey, nextSigningKey })` takes what it delivers, for which install `@upstash/qstash`.
 *
 * @module
 */

export { type QstashContinuationOptions, qstashContinuation } from "./continuation.ts";
export { type QstashReceiverOptions, qstashReceiver } from "./receiver.ts";
