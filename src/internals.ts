/**
 * For the embedded store only, which must run the same protocol: not a public name.
 *
 * @module
 */
export { takeDeadScript } from "./broker/scripts/take-dead.ts";
export { turnScript, turnScriptWhenFull } from "./broker/scripts/turn/index.ts";
export { sha1Hex } from "./digest.ts";
