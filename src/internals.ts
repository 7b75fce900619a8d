/**
 * What adapters share with the core and users do not need, such as the checkers of options. Not public names.
 *
 * @module
 */
export { readDelayed } from "./broker/history.ts";
export { readDeadLetter } from "./dead-letter.ts";
export { sha1Hex } from "./digest.ts";
export type { HandlerOptions } from "./drain-options.ts";
export { asError, shorten } from "./guest.ts";
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
export { payloadOf } from "./payload.ts";
export { safeReplyText } from "./reply-text.ts";
export { makeRunner, type Runner } from "./runner.ts";
export { slotOf } from "./scale.ts";
export { attempt, show } from "./show.ts";
export { firstOf, isArray } from "./verdict.ts";
