/** What the worlds of the kills are like: in each any few in a row. */
export const worldKinds = ["fifo", "effects", "byKey", "strict", "limited", "keyLimits", "scaled"] as const;
export type WorldKind = (typeof worldKinds)[number];

const keyCount = 5;

/** In a limited world the list has a limit, and is paused now and then. */
export const limit = { messages: 60, windowMs: 200 } as const;

/** In a world with limits per key, what each key may have. */
export const keyLimit = { messages: 12, windowMs: 200, inFlight: 4 } as const;

/** How long a drain of a scaled world runs before it hands on: it starts others, and they do. */
export const drainBudget = { budgetMs: 400, reserveMs: 50 } as const;

/** Drains that may be live at once. */
export function maxConcurrencyOf(kind: WorldKind): number {
  if (kind === "strict") return 1;
  return kind === "scaled" ? 4 : 2;
}

export function isByKey(kind: WorldKind): boolean {
  return kind === "byKey" || kind === "keyLimits";
}

/** The key of a message; undefined where nothing is promised of its order. In strict order all have one. */
export function keyOf(kind: WorldKind, payload: string): string | undefined {
  if (kind === "strict") return "all";
  const number = numberOf(payload);
  return isByKey(kind) && number % 8 > 0 ? `key ${number % keyCount}` : undefined;
}

/** What its handler gives as an effect: a counter grows by one, or the message goes on to another list. */
export function effectOf(kind: WorldKind, payload: string): "count" | "forward" | undefined {
  if (!hasFailures(kind)) return undefined;
  return ([undefined, "count", "forward"] as const)[numberOf(payload) % 7];
}

/** Whether there are messages that fail at first, and effects. */
export function hasFailures(kind: WorldKind): boolean {
  return kind !== "fifo" && kind !== "limited";
}

/** Whether its handler fails at its first attempt. */
export function failsFirst(kind: WorldKind, payload: string): boolean {
  return hasFailures(kind) && numberOf(payload) % 11 === 3;
}

/** The keys that effects write to. */
export function effectKeysOf(list: string): { readonly counter: string; readonly onward: string } {
  return { counter: `{${list}}:sent`, onward: `{${list}}:next` };
}

function numberOf(payload: string): number {
  return Number(payload.slice(1));
}
