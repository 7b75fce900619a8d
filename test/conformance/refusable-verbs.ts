import { sha1Hex } from "../../src/digest.ts";
import {
  type Drain,
  type DrainOptions,
  deadLetter,
  forward,
  fromText,
  type HandlerOutcome,
  release,
} from "../../src/index.ts";
import type { SideDoor } from "../support/side-door.ts";

export const list = "mail";
export const base = `{${list}}`;
export const payloads = Array.from({ length: 12 }, (_, at) => `m${String(at).padStart(2, "0")}`);

/** What a handler makes of a message, by its place: done, failed, dead, given back. */
function decide(payload: string): HandlerOutcome | undefined {
  const kind = Number(payload.slice(1)) % 4;
  if (kind === 1) throw new Error("down");
  if (kind === 2) return deadLetter("no such thing");
  return kind === 3 ? release : undefined;
}

export const onward = `${base}:onward`;
const forwardAll = (payload: string): HandlerOutcome => forward(onward, `${payload} handled`);

/** The same, and what is done goes on to another list. */
function decideOnward(payload: string): HandlerOutcome | undefined {
  return decide(payload) ?? forward(onward, `${payload} handled`);
}

export interface Verb {
  readonly name: string;
  /** Puts the messages where the verb finds them. */
  prepare(door: SideDoor): Promise<unknown>;
  act(drain: Drain): Promise<{ error?: Error | null }>;
  readonly decide?: typeof decide;
  readonly hasEffects?: boolean;
  readonly options?: Partial<DrainOptions>;
  /** Tried by the quick tests already: those that have most of what the others have. Default: by the long ones. */
  readonly isQuick?: boolean;
}

export const produce = (door: SideDoor): Promise<number> => door.redis.lpush(list, ...payloads);
/** Two keys, so that most messages wait for others. */
const keyOf = ({ payload }: { payload: string }): number => Number(payload.slice(1)) % 2;
const keyed: Partial<DrainOptions> = { order: { byKey: keyOf } };
export const run = (drain: Drain) => drain.run({ budgetMs: 5_000 });
const entries = payloads.map(
  (payload, at) =>
    `{"id":"d.1.${at}","attempts":1,"firstFailedAt":1,"lastFailedAt":2,"reason":"no"}\n${payload}`,
);
export const failing = async (act: Promise<unknown>): Promise<{ error?: Error | null }> =>
  act.then(
    () => ({ error: null }),
    (error: Error) => ({ error }),
  );

/** A row for each verb; add yours. */
export const verbs: readonly Verb[] = [
  { name: "claim and acknowledge", prepare: produce, act: run },
  { name: "settle in every way", prepare: produce, act: run, decide },
  { name: "acknowledge with effects", prepare: produce, act: run, decide: forwardAll, hasEffects: true },
  {
    name: "settle in every way, with effects",
    isQuick: true,
    prepare: produce,
    act: run,
    decide: decideOnward,
    hasEffects: true,
  },
  {
    name: "recover",
    isQuick: true,
    prepare: async (door) => {
      for (const [at, payload] of payloads.entries()) {
        const id = `dead.${at}`;
        await door.redis.lpush(`${base}:working:${id}`, payload);
        await door.redis.zadd(`${base}:leases`, 1_000 + at, id);
        // The last of them has crashed before, for the last time.
        if (at === 11) await door.redis.hset(`${base}:attempts`, id, "4.4.0@5");
      }
    },
    act: run,
  },
  {
    name: "promote",
    prepare: async (door) => {
      for (const [at, payload] of payloads.entries()) {
        await door.redis.zadd(`${base}:delayed`, 1_000 + at, `${at}.d.1!1.0.0@5:${payload}`);
      }
    },
    act: run,
  },
  { name: "settle in strict order", prepare: produce, act: run, decide, options: { order: "strict" } },
  { name: "settle in every way, by key,", prepare: produce, act: run, decide, options: keyed, isQuick: true },
  {
    name: "settle in every way, by key without an order,",
    prepare: produce,
    act: run,
    decide,
    options: { order: { byKey: keyOf, concurrency: 2 } },
  },
  {
    name: "settle in every way, by key with effects,",
    prepare: produce,
    act: run,
    decide: decideOnward,
    hasEffects: true,
    options: keyed,
  },
  {
    name: "settle in every way, from the left,",
    prepare: produce,
    act: run,
    decide,
    options: { consumeFrom: "left" },
  },
  {
    name: "settle in every way, beside others,",
    prepare: produce,
    act: run,
    decide,
    options: { maxConcurrency: 4 },
  },
  {
    name: "take lines and the list, by key,",
    prepare: async (door) => {
      await produce(door);
      for (const payload of payloads.slice(0, 6)) {
        const key = sha1Hex(fromText(String(keyOf({ payload })))).slice(0, 16);
        await door.redis.rpop(list);
        await door.redis.zadd(
          `${base}:parked`,
          0,
          `${key}:50000000000000${payload.slice(1)}:1.0.0@5:${payload}`,
        );
        await door.redis.zadd(`${base}:due`, 1_000, key);
      }
    },
    act: run,
    decide,
    options: keyed,
  },
  {
    name: "bring lines back to the list",
    prepare: async (door) => {
      for (const [at, payload] of payloads.entries()) {
        const key = String(at % 2).repeat(16);
        await door.redis.zadd(`${base}:parked`, 0, `${key}:50000000000000${payload.slice(1)}::${payload}`);
        await door.redis.zadd(`${base}:due`, 1_000, key);
      }
    },
    act: run,
  },
  {
    name: "recover by key",
    prepare: async (door) => {
      const keys = payloads.map((payload) => sha1Hex(fromText(String(keyOf({ payload })))).slice(0, 16));
      await door.redis.lpush(`${base}:working:dead.1`, ...payloads);
      await door.redis.zadd(`${base}:leases`, 1_000, "dead.1");
      await door.redis.hset(`${base}:lines`, {
        "dead.1": keys.join(""),
        ...Object.fromEntries(keys.map((key) => [key, "dead.1"])),
      });
    },
    act: run,
    options: keyed,
  },
  {
    name: "claim within a limit per key",
    prepare: async (door) => {
      await produce(door);
      await door.redis.hset(`${base}:control`, { keyLimit: 3, keyWindowMs: 60_000, keyInFlight: 2 });
    },
    act: run,
    decide,
    options: keyed,
  },
  {
    name: "redrive",
    prepare: (door) => door.redis.lpush(`${base}:dead`, ...entries),
    act: (drain) => failing(drain.deadLetters.redrive()),
  },
  {
    name: "settle in every way, by the plain engine,",
    isQuick: true,
    prepare: produce,
    act: run,
    decide,
    options: { engine: "plain", visibilityTimeoutMs: 1 },
  },
];
