/**
 * What adapters share with the core and users do not need, such as the checkers of options. Not public names.
 *
 * @module
 */

export type { Batch, Broker, Settlement, TurnResult } from "./broker/broker.ts";
export { readDelayed } from "./broker/history.ts";
export { passedOn } from "./broker/passed-on.ts";
export { sha1Hex } from "./digest.ts";
export type { WatchedRun, Watcher } from "./events/watcher.ts";
export { asError, isError, isThenable, peek, shorten, whenSettled } from "./handling/guest.ts";
export { isHandlerOutcome } from "./handling/outcome.ts";
export { firstOf, isArray } from "./handling/verdict.ts";
export { readDeadLetter } from "./operations/dead-letter.ts";
export type { HandlerOptions } from "./options/drain-options.ts";
export {
  boolean,
  type Checked,
  type Checker,
  checkOptions,
  choice,
  either,
  func,
  integer,
  type Kinds,
  object,
  required,
  table,
  text,
} from "./options/option-kinds.ts";
export { attempt, show } from "./options/show.ts";
export { payloadOf } from "./push/payload.ts";
export { type ListKeys, listKeys } from "./redis/keys.ts";
export { safeReplyText } from "./redis/reply-text.ts";
export { textOfFailure } from "./run/failures.ts";
export type { RunParts } from "./run/run-parts.ts";
export { makeRunner, type Runner } from "./run/runner.ts";
export { slotOf } from "./scale/scale.ts";
export { checkShards, shardName } from "./shards/shard-names.ts";
