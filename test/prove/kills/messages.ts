/** What the worlds of the kills are like: in each any few in a row. */
export const worldKinds = ["fifo", "effects", "byKey", "strict", "limited"] as const;
export type WorldKind = (typeof worldKinds)[number];

const keyCount = 5;

/** In a limited world the list has a limit, and is paused now and then. */
export const limit = { messages: 60, windowMs: 200 } as const;

/** The key of a message; undefined where nothing is promised of its order. In strict order all have one. */
export function keyOf(kind: WorldKind, payload: string): string | undefined {
  if (kind === "strict") return "all";
  const number = numberOf(payload);
  return kind === "byKey" && number % 8 > 0 ? `key ${number % keyCount}` : undefined;
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
