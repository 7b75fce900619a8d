/**
 * What adapters share with the core and users do not need, such as the checkers of options. Not public names.
 *
 * @module
 */
export { sha1Hex } from "./digest.ts";
export { type ListKeys, listKeys } from "./keys.ts";
export {
  boolean,
  type Checked,
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
export { safeReplyText } from "./reply-text.ts";
export { makeRunner, type Runner } from "./runner.ts";
export { slotOf } from "./scale.ts";
