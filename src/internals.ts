/**
 * What adapters share with the core and users do not need, such as the checkers of options. Not public names.
 *
 * @module
 */

export { readDelayed } from "./broker/history.ts";
export { passedOn } from "./broker/passed-on.ts";
export type { Batch, Broker, Settlement, TurnResult } from "./broker.ts";
export { readDeadLetter } from "./dead-letter.ts";
export { sha1Hex } from "./digest.ts";
export type { HandlerOptions } from "./drain-options.ts";
export { textOfFailure } from "./failures.ts";
export { asError, isThenable, peek, shorten, whenSettled } from "./guest.ts";
export { type ListKeys, listKeys } from "./keys.ts";
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
} from "./option-kinds.ts";
export { isHandlerOutcome } from "./outcome.ts";
export { payloadOf } from "./payload.ts";
export { safeReplyText } from "./reply-text.ts";
export type { RunParts } from "./run-parts.ts";
export { makeRunner, type Runner } from "./runner.ts";
export { slotOf } from "./scale.ts";
export { checkShards, shardName } from "./shards/shard-names.ts";
export { attempt, show } from "./show.ts";
export { firstOf, isArray } from "./verdict.ts";
export type { WatchedRun, Watcher } from "./watcher.ts";
