import { sha1Hex } from "../../../src/internals.ts";

/** What CloudWatch takes at most for the value of a dimension. */
const charsMax = 1_024;

/**
 * The name of a list as CloudWatch takes it for a dimension: ASCII without control characters, and not only spaces. What else is
 * in it is written as JSON writes it, such as `\u00e9`; one that is too long ends with the SHA-1 of the whole.
 */
export function listDimension(list: string): string {
  const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const value = list.replace(/^ +$|[^ -~]+/g, (some) => some.split("").map(escaped).join(""));
  if (value.length <= charsMax) return value;
  const ending = `...${sha1Hex(value)}`;
  return value.slice(0, charsMax - ending.length) + ending;
}
