/** What CloudWatch takes at most for the value of a dimension. */
const charsMax = 1_024;

/**
 * The name of a list as CloudWatch takes it for a dimension: ASCII without control characters, and not only spaces. What else is
 * in it is written as JSON writes it, such as `\u00e9`; of one that is too long the middle is left out.
 */
export function listDimension(list: string): string {
  const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const value = list.replace(/^ +$|[^ -~]+/g, (some) => some.split("").map(escaped).join(""));
  return value.length <= charsMax ? value : `${value.slice(0, 510)}...${value.slice(-511)}`;
}
