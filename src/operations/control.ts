import { numberOf, pipelined } from "../broker/replies.ts";
import { OptionError } from "../errors.ts";
import * as limits from "../limits.ts";
import { checkOptions, integer, type Kinds, table } from "../options/option-kinds.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { Sender } from "../redis/sender.ts";

/** At most so many messages in each window of time, over all drains of a list. */
export interface RateLimit {
  /** From 1 to 1,000,000,000. */
  readonly messages: number;
  /** ms, from 1 to 86,400,000. A window begins with the first message claimed in it. */
  readonly windowMs: number;
}

/** What one key may have of a list, where drains take its messages by key. */
export interface KeyLimit {
  /** Of each key in each window, from 1 to 1,000,000,000. With `windowMs`. */
  readonly messages?: number | undefined;
  /** ms, from 1 to 86,400,000. All keys share one window, which begins with the first message of any claimed in it. */
  readonly windowMs?: number | undefined;
  /** Messages of one key that may be claimed at once, from 1 to 1,000,000,000. Default: as many as a batch holds. */
  readonly inFlight?: number | undefined;
}

/** The limits of one list: a rate, what each key may have, or both. */
export interface ListLimit {
  /** As in `RateLimit`. With `windowMs`. */
  readonly messages?: number | undefined;
  /** As in `RateLimit`. With `messages`. */
  readonly windowMs?: number | undefined;
  /** Of a drain with `order: { byKey }`, which knows keys. */
  readonly perKey?: KeyLimit | undefined;
}

/** The limits of one list, which its drains read from Redis at their next turn: when the batch in hand ends. */
export interface Limits {
  /**
   * Sets the limits for all drains, those that run included, in place of those before; null takes them away. Counted are
   * messages claimed, each attempt anew. A drain that has reached the rate stops as `rate-limited`, and its `nextDueAt` is
   * the next window; where only some keys have, their messages wait for it and the others go on. Throws `OptionError` for
   * bad ones, with the plain engine, and for `perKey` without an order by key.
   */
  set(limit: ListLimit | null): Promise<void>;
  /** Reads them; null where there are none. */
  get(): Promise<ListLimit | null>;
}

const countMax = 1_000_000_000;

const rateKinds = {
  messages: integer({ min: 1, max: countMax }),
  windowMs: integer({ min: 1, max: 86_400_000 }),
};

const limitKinds = {
  ...rateKinds,
  perKey: table({ ...rateKinds, inFlight: integer({ min: 1, max: countMax }) } satisfies Kinds<KeyLimit>),
} satisfies Kinds<ListLimit>;

/** Throws `OptionError` for what is no limit. */
export function checkLimit(given: unknown): ListLimit | null {
  if (given === null) return null;
  const limit = checkOptions(limitKinds, given, "limit");
  const { perKey } = limit;
  for (const [{ messages, windowMs }, path] of [
    [limit, "limit"],
    [perKey ?? {}, "limit.perKey"],
  ] as const) {
    if ((messages === undefined) === (windowMs === undefined)) continue;
    const [missing, other] = messages === undefined ? ["messages", "windowMs"] : ["windowMs", "messages"];
    throw new OptionError(`${path}.${missing}`, `given together with ${other}`, "undefined");
  }
  if (limit.messages === undefined && perKey?.messages === undefined && perKey?.inFlight === undefined)
    throw new OptionError("limit", "messages and windowMs, perKey, or null for no limit", "neither");
  return limit;
}

/** What drains of a list can count: the plain engine nothing, and only an order by key knows keys. */
export interface Countable {
  readonly claims: boolean;
  readonly keys: boolean;
}

const fields = ["limit", "windowMs", "keyLimit", "keyWindowMs", "keyInFlight"] as const;

export function limitsOf(openSender: () => Sender, keys: ListKeys, can: Countable): Limits {
  const { control, rates } = keys;
  return {
    async set(given) {
      if (!can.claims)
        throw new OptionError("limits", 'set with engine: "scripted", which counts claims', "plain");
      const limit = checkLimit(given);
      if (limit?.perKey && !can.keys)
        throw new OptionError(
          "limit.perKey",
          "set by a drain with order: { byKey }, which knows keys",
          "none",
        );
      const { messages, windowMs, perKey = {} } = limit ?? {};
      const values = [messages, windowMs, perKey.messages, perKey.windowMs, perKey.inFlight];
      const sender = openSender();
      const [, endsAt] = await pipelined(sender, [
        limit
          ? ["HSET", control, ...fields.flatMap((field, at) => [field, values[at] ?? ""])]
          : ["HDEL", control, ...fields, "endsAt", "used"],
        ["HGET", rates, "endsAt"],
      ]);
      if (endsAt) await wakeLines(sender, keys, `${endsAt}.5`);
    },
    async get() {
      const [found] = await pipelined(openSender(), [["HMGET", control, ...fields]]);
      const [messages, windowMs, ofKey, keyMs, inFlight] = Array.isArray(found) ? found.map(Number) : [];
      const rate = readRate(messages, windowMs);
      const perKey = { ...readRate(ofKey, keyMs), ...(isReadable(inFlight, 2 ** 53) ? { inFlight } : {}) };
      if (Object.keys(perKey).length > 0) return { ...rate, perKey };
      return rate;
    },
  };
}

/** What the script cannot read as a limit is none. */
function readRate(messages: number | undefined, windowMs: number | undefined): RateLimit | null {
  const isRate = isReadable(messages, 2 ** 53) && isReadable(windowMs, limits.leaseMsMax);
  return isRate ? { messages, windowMs } : null;
}

function isReadable(value: number | undefined, max: number): value is number {
  return value !== undefined && value >= 1 && value <= max;
}

/** Lines that wait for the end of their window, by that time, are looked at anew: under other limits they may go on. */
async function wakeLines(sender: Sender, { due }: ListKeys, at: string): Promise<void> {
  for (let page = 0; page < limits.wokenPagesMax; page++) {
    const [keys] = await pipelined(sender, [
      ["ZRANGEBYSCORE", due, at, at, "LIMIT", 0, limits.wokenLinesMax],
    ]);
    if (!Array.isArray(keys) || keys.length === 0) return;
    await numberOf(sender, ["ZADD", due, "XX", ...keys.flatMap((key) => [1, String(key)])]);
  }
}

/** Tells all drains of a list to pause, or to go on. */
export async function setPaused(sender: Sender, { control }: ListKeys, isPaused: boolean): Promise<void> {
  await numberOf(sender, isPaused ? ["HSET", control, "paused", 1] : ["HDEL", control, "paused"]);
}
