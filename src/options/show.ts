/** Longest text that an error shows. Reason: an error is one line of a log. */
const shownCharsMax = 40;
export const unreadable = "something that cannot be read";

/** A value as an error shows it: numbers and short texts, and of anything else only its kind, since it may hold a secret. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(shorten(value));
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  return typeof value === "boolean" ? String(value) : kindOf(value);
}

/** The same for a value that is a secret or may hold one. */
export function showSecret(value: unknown): string {
  if (typeof value !== "string") return kindOf(value);
  if (value === "") return "an empty one";
  return value.trim() === value ? "another text" : "one with white space at its ends";
}

/** The kind of a value, and nothing that is in it. */
export function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  const isArray = attempt(() => (Array.isArray(value) ? "an array" : "no array"));
  if (!isArray) return unreadable;
  if (isArray === "an array") return isArray;
  if (attempt(() => value instanceof Promise)) return "a promise";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

export function shorten(value: string): string {
  return value.length > shownCharsMax ? `${value.slice(0, shownCharsMax)}…` : value;
}

/** The result of reading a value that may be hostile; undefined where that throws. */
export function attempt<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
