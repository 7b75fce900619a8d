import type { ByteString } from "../../../src/index.ts";

/** Whether a text fits a pattern of Redis: `*`, `?`, `[a-z]`, `[^a]` and `\`. Steps back only to the last `*`, so that each pattern ends in bounded time. */
export function matchesGlob(pattern: ByteString, text: ByteString): boolean {
  let [at, read] = [0, 0];
  let afterStar = -1;
  let starRead = 0;
  while (read < text.length) {
    if (pattern[at] === "*") {
      afterStar = ++at;
      starRead = read;
      continue;
    }
    const next = matchOne(pattern, at, text.charCodeAt(read));
    if (next >= 0) {
      at = next;
      read += 1;
    } else if (afterStar < 0) return false;
    else {
      at = afterStar;
      read = ++starRead;
    }
  }
  while (pattern[at] === "*") at += 1;
  return at === pattern.length;
}

/** Where the pattern goes on after its part at `at` has matched the character; -1 where it does not match. */
function matchOne(pattern: ByteString, at: number, code: number): number {
  if (at >= pattern.length) return -1;
  if (pattern[at] === "?") return at + 1;
  if (pattern[at] === "[") return matchSet(pattern, at + 1, code);
  const literal = pattern[at] === "\\" && at + 1 < pattern.length ? at + 1 : at;
  return pattern.charCodeAt(literal) === code ? literal + 1 : -1;
}

function matchSet(pattern: ByteString, start: number, code: number): number {
  const isNegated = pattern[start] === "^";
  let at = isNegated ? start + 1 : start;
  let isIn = false;
  for (; at < pattern.length && pattern[at] !== "]"; at++) {
    if (pattern[at] === "\\" && at + 1 < pattern.length) {
      at += 1;
      if (pattern.charCodeAt(at) === code) isIn = true;
    } else if (pattern[at + 1] === "-" && at + 2 < pattern.length) {
      const ends = [pattern.charCodeAt(at), pattern.charCodeAt(at + 2)].sort((a, b) => a - b);
      if (code >= (ends[0] as number) && code <= (ends[1] as number)) isIn = true;
      at += 2;
    } else if (pattern.charCodeAt(at) === code) isIn = true;
  }
  return isIn === isNegated ? -1 : Math.min(at + 1, pattern.length);
}
