/**
 * For the embedded store only, which must run the same protocol: not a public name.
 *
 * @module
 */
export { adoptScript } from "./broker/scripts/adopt.ts";
export { takeDeadScript } from "./broker/scripts/take-dead.ts";
export { turnScript, turnScriptWhenFull } from "./broker/scripts/turn.ts";
export { sha1Hex } from "./digest.ts";
