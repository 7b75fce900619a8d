/**
 * What adapters share with the core and users do not need, such as the checkers of options. Not public names.
 *
 * @module
 */
export type { Batch, Broker, Settlement, TurnResult } from "./broker.ts";
export { sha1Hex } from "./digest.ts";
export { textOfFailure } from "./failures.ts";
export { isThenable, peek, whenSettled } from "./guest.ts";
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
export { safeReplyText } from "./reply-text.ts";
export type { RunParts } from "./run-parts.ts";
export { makeRunner, type Runner } from "./runner.ts";
export { slotOf } from "./scale.ts";
export { attempt } from "./show.ts";
export type { WatchedRun, Watcher } from "./watcher.ts";
