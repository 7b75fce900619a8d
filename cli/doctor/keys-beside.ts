import type { Examination } from "./examination.ts";

/** Keys that one look at a list's keys takes, at most. */
const foundCountMax = 10_000;
const scanCount = 1_000;
/** With the count above: a million keys. */
const stepsMax = 1_000;

export interface KeysBeside {
  readonly found: readonly string[];
  /** Whether all keys of this Redis were looked at. */
  readonly isWhole: boolean;
}

/** Every key beside the list, at most so many. A large Redis is not searched to its end for long: SCAN goes over all keys. */
export async function findKeysBeside(examination: Examination): Promise<KeysBeside> {
  const { base } = examination.keys;
  const pattern = `${base.replace(/[\\*?[\]]/g, "\\$&")}*`;
  const found = new Set<string>();
  let cursor = "0";
  for (let step = 0; step < stepsMax; step++) {
    const reply = await examination.ask(["SCAN", cursor, "MATCH", pattern, "COUNT", scanCount]);
    const [next, keys] = reply as [string, string[]];
    for (const key of keys) if (found.size < foundCountMax) found.add(key);
    cursor = next;
    if (cursor === "0") return { found: [...found].sort(), isWhole: true };
  }
  return { found: [...found].sort(), isWhole: false };
}
