/**
 * What adapters share with the core and users do not need: the checkers of options for all of them, and the protocol's
 * scripts for the embedded store, which must run the same. Not public names.
 *
 * @module
 */
export { adoptScript } from "./broker/scripts/adopt.ts";
export { takeDeadScript } from "./broker/scripts/take-dead.ts";
export { turnScript, turnScriptWhenFull } from "./broker/scripts/turn/index.ts";
export { sha1Hex } from "./digest.ts";
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
export { show } from "./show.ts";
