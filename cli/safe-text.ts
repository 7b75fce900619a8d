/**
 * What a terminal would take for an order, or show as something that is not there: control characters, characters that
 * only say how others are written, line separators, and halves of surrogate pairs.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u001b": "\\e" };

/** Text of strangers as a terminal may have it, on one line: what is unsafe is spelt out. */
export function visible(text: string): string {
  return text.replace(unsafe, (one) => named[one] ?? `\\u{${one.codePointAt(0)?.toString(16)}}`);
}

/** The same of a text of several lines, such as a stack. */
export function visibleLines(text: string): string {
  return text.split("\n").map(visible).join("\n");
}

/** A value as JSON, whose programs read what it was: what is unsafe is escaped as JSON escapes it. */
export function visibleJson(value: unknown): string {
  const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(unsafe, (one) => one.split("").map(escaped).join(""));
}

/** The beginning of a text, and how long it is where that is not all. */
export function shortened(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const isHalf = /[\ud800-\udbff]$/.test(text.slice(0, charsMax));
  return `${text.slice(0, isHalf ? charsMax - 1 : charsMax)}… (${text.length} characters)`;
}
