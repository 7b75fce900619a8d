import type { ListLimit, Message } from "../../src/index.ts";
import { list, type Setup } from "./setup.ts";

/** What tests of order by key are made with: messages of some keys, and a handler that watches them. */
export function keyedSetup({ door, make }: Setup) {
  const path = { byKey: "k" } as const;
  const keyed = (options: Parameters<Setup["make"]>[0] = {}) =>
    make({ order: path, concurrency: 10, ...options });
  /** Sets what each key may have. */
  const limit = (perKey: ListLimit["perKey"], rest: ListLimit = {}) =>
    keyed().limits.set({ ...rest, perKey });
  /** `count` messages of each key in turn: a0, b0, a1, b1, … */
  const mixed = (keys: string, count: number): string[] =>
    Array.from({ length: count }, (_, n) => [...keys].map((k) => JSON.stringify({ k, n }))).flat();
  const nameOf = (payload: string): string => {
    const { k, n } = JSON.parse(payload);
    return `${k}${n}`;
  };
  const of = (key: string, seen: readonly string[]): string[] => seen.filter((name) => name.startsWith(key));
  const inOrder = (key: string, count: number): string[] =>
    Array.from({ length: count }, (_, n) => `${key}${n}`);
  /** Makes all lines due, as the passing of time would. */
  const makeLinesDue = async () => {
    for (const key of await door.redis.zrange(`{${list}}:due`, 0, "-1"))
      await door.redis.zadd(`{${list}}:due`, "1", key);
  };
  /** A handler that says what it sees, and whether two messages of a key ever ran at once. */
  const watching = (decide: (name: string, message: Message) => unknown = () => undefined) => {
    const seen: string[] = [];
    const running = new Set<string>();
    const overlaps: string[] = [];
    const handler = async (message: Message) => {
      const name = nameOf(message.payload);
      const key = name.slice(0, 1);
      if (running.has(key)) overlaps.push(name);
      running.add(key);
      await new Promise(setImmediate);
      running.delete(key);
      seen.push(name);
      return (await decide(name, message)) as undefined;
    };
    return { seen, overlaps, handler };
  };
  return { path, keyed, limit, mixed, nameOf, of, inOrder, makeLinesDue, watching };
}
