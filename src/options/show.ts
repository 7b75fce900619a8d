/** Longest text that an error shows. Reason: an error is one line of a log. */
const shownCharsMax = 40;
export const unreadable = "something that cannot be read";

/** A value as an error shows it: numbers and short texts, and of all else only what it is, for a secret may be in it. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(shorten(value));
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  return typeof value === "boolean" ? String(value) : kindOf(value);
}

/** The same of a value that is a secret or may hold one. */
export function showSecret(value: unknown): string {
  if (typeof value !== "string") return kindOf(value);
  if (value === "") return "an empty one";
  return value.trim() === value ? "another text" : "one with white space at its ends";
}

/**
 * What a value is, and nothing of what it holds. Who asks refuses it, so nobody waits for a promise: it is not left to reject
 * unhandled.
 */
export function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  const isArray = attempt(() => (Array.isArray(value) ? "an array" : "no array"));
  if (!isArray) return unreadable;
  if (isArray === "an array") return isArray;
  if (attempt(() => value instanceof Promise)) {
    // It stands where none belongs, so nobody waits for it.
    void whenSettled(value);
    return "a promise";
  }
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

export function shorten(value: string): string {
  return value.length > shownCharsMax ? `${value.slice(0, shownCharsMax)}…` : value;
}

/** What reading a stranger's value gives, or undefined where it throws. */
export function attempt<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    void whenSettled(error);
    return undefined;
  }
}

/** A promise of anything, also of what was thrown, which never rejects: what nobody waits for must not end the process. */
export async function whenSettled(value: unknown): Promise<void> {
  try {
    await value;
  } catch {
    // Whoever made it has been told, or is not to be.
  }
}
