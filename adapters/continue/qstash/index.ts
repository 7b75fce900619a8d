/**
 * QStash for a drain: `continuation: qstash({ url, token })` publishes hops and timers, `qstashReceiver` takes its calls.
 * Install `@upstash/qstash`.
 *
 * @module
 */

export { type QstashOptions, qstash } from "./continuation.ts";
export { type QstashKeys, qstashReceiver, receiveQstashHop, verifyQstash } from "./receiver.ts";
