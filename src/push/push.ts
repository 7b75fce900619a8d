import { evaluate, type Script } from "../broker/evaluate.ts";
import { numberOf, timeIn, unlessError } from "../broker/replies.ts";
import { pushNewScript } from "../broker/scripts/push-new.ts";
import { fromText } from "../bytes.ts";
import type { Woken } from "../chain/wake.ts";
import { sha1Hex } from "../digest.ts";
import { OptionError, PushIncompleteError, RedisProtocolError } from "../errors.ts";
import type { Codec } from "../handling/codec.ts";
import { isA, peek } from "../handling/guest.ts";
import { isArray } from "../handling/verdict.ts";
import * as limits from "../limits.ts";
import type { DrainSettings } from "../options/drain-settings.ts";
import { attempt, kindOf, show } from "../options/show.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { ByteString, RedisCommand, RedisReply } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";
import { holderOf } from "../run/runner.ts";
import { payloadOf } from "./payload.ts";
import {
  type CheckedPushOptions,
  checkPushOptions,
  type Pushable,
  type PushOptions,
} from "./push-options.ts";

/** The result of a push. */
export interface PushResult {
  /** Messages that were pushed. */
  readonly pushed: number;
  /** Places, from 0, of the messages that were not, because their ids had been pushed before. */
  readonly duplicates: readonly number[];
  /** The length of the list after the push; null where nothing went into it, since all were delayed or duplicates. */
  readonly length: number | null;
}

/** A list that is pushed to. */
export interface Lane {
  readonly sender: Sender;
  readonly keys: ListKeys;
}

export interface PushContext {
  /** The list, or its shards. */
  readonly lanes: readonly Lane[];
  /** Which lane a message goes to, by its key or id or, without one, by its place. Left out where there is only one lane. */
  readonly laneOf?: (name: string | undefined, place: number) => number;
  readonly codec: Codec<unknown>;
  readonly canRunScripts: boolean;
  readonly requestTimeoutMs: number;
  readonly randomId: () => string;
  /** Called after each chunk of which something may have been pushed, before a drain is started for it. */
  readonly landed?: () => Promise<void>;
  /** Has drains started for lanes whose list was empty. */
  readonly wake: (lanes: readonly number[]) => Promise<readonly (Woken | null)[]>;
}

/** What a drain's pushes need, from its settings. */
export function pushContext(
  settings: DrainSettings,
  lanes: readonly Lane[],
  wake: PushContext["wake"],
): PushContext {
  const { codec, engine, requestTimeoutMs } = settings;
  const canRunScripts = engine === "scripted";
  return { lanes, codec, canRunScripts, requestTimeoutMs, randomId: () => holderOf(settings), wake };
}

/** What `push` takes. */
export type PushedMessages = Pushable | Iterable<Pushable> | AsyncIterable<Pushable>;

/** A push with the drain's telemetry around it. */
export async function watchedPush<Result>(
  { telemetry, list }: DrainSettings,
  given: PushedMessages,
  push: (given: PushedMessages) => Promise<Result>,
): Promise<Result> {
  return telemetry?.push
    ? telemetry.push(list, given, push as (given: unknown) => Promise<Result>)
    : push(given);
}

interface Item {
  readonly place: number;
  readonly lane: number;
  readonly payload: ByteString;
  /** The Redis key that remembers its id; undefined where messages have no ids. */
  readonly idKey: ByteString | undefined;
}

interface Sent {
  readonly length: number | null;
  isNew(at: number): boolean;
}

const pushNew: Script = { source: pushNewScript, sha: sha1Hex(pushNewScript) };

/** Pushes messages, the first given first, in chunks that fit into one request. An array is checked as a whole before any is sent. */
export async function pushMessages(
  context: PushContext,
  given: Pushable | Iterable<Pushable> | AsyncIterable<Pushable>,
  options: PushOptions,
): Promise<PushResult & Woken> {
  const checked = checkPushOptions(options, context.canRunScripts);
  const isNext = checked.priority === "next";
  const duplicates: number[] = [];
  const lengths = new Map<number, number>();
  const toWake: number[] = [];
  const woken: Promise<readonly (Woken | null)[]>[] = [];
  const wakeUp = (): void => {
    const empty = toWake.splice(0);
    if (checked.wake && empty.length > 0) woken.push(context.wake(empty).catch(() => []));
  };
  let pushed = 0;
  /** The first so many messages have all been pushed. With `priority: "next"`, the last ones are sent first. */
  let pushedCount = 0;
  let hasPushed = false;
  try {
    const chunks = chunksOf(itemsOf(given, context, checked));
    const isStream = typeof given === "object" && !isArray(given) && !isNext;
    const senders = new Map<number, Promise<(part: readonly Item[]) => Promise<Sent>>>();
    const send = async (lane: number, part: readonly Item[]): Promise<Sent> => {
      const sender = senders.get(lane) ?? senderOf(context, context.lanes[lane] as Lane, checked);
      senders.set(lane, sender);
      return (await sender)(part);
    };
    for await (const chunk of isStream ? chunks : await collected(chunks, isNext)) {
      for (const [lane, part] of byLane(chunk)) {
        const sent = await send(lane, part);
        const known = part.filter((_, at) => !sent.isNew(at));
        const newCount = part.length - known.length;
        hasPushed ||= newCount > 0;
        if (sent.length !== null && !lengths.has(lane) && sent.length <= newCount) toWake.push(lane);
        if (sent.length !== null) lengths.set(lane, sent.length);
        pushed += newCount;
        duplicates.push(...known.map(({ place }) => place));
      }
      await context.landed?.();
      if (!isNext) pushedCount = pushed;
      // A stream may go on for long, or for ever.
      if (isStream) wakeUp();
    }
  } catch (error) {
    // Of the chunk that failed, some messages may be in the list.
    await context.landed?.().catch(() => undefined);
    // Promises in an array are no messages, and nobody waits for them: `kindOf` keeps them from ending the process.
    if (isArray(given)) attempt(() => Object.values(given).forEach(kindOf));
    throw hasPushed ? new PushIncompleteError(pushedCount, error) : error;
  } finally {
    wakeUp();
    await Promise.all(woken);
  }
  const said = (await Promise.all(woken)).flat().filter((one) => one !== null);
  const wakes = said.find((one) => one.woken) ?? said[0] ?? { woken: false, wakeError: null };
  const length = lengths.size === 0 ? null : [...lengths.values()].reduce((sum, one) => sum + one, 0);
  duplicates.sort((one, other) => one - other);
  return { pushed, duplicates, length, ...wakes };
}

function byLane(chunk: readonly Item[]): Map<number, Item[]> {
  const parts = new Map<number, Item[]>();
  for (const item of chunk) {
    const part = parts.get(item.lane);
    if (part) part.push(item);
    else parts.set(item.lane, [item]);
  }
  return parts;
}

async function* itemsOf(
  given: unknown,
  context: PushContext,
  { dedupe, key }: CheckedPushOptions,
): AsyncGenerator<Item> {
  const { lanes, laneOf = () => 0, codec } = context;
  let place = 0;
  const itemOf = (message: unknown): Item => {
    const payload = payloadOf(message, codec);
    const id = dedupe && nameOf(message, dedupe.id, "dedupe.id");
    const lane = laneOf((key && nameOf(message, key, "key")) ?? id, place);
    const idKey = id && `${(lanes[lane] as Lane).keys.base}id:${fromText(id)}`;
    return { place: place++, lane, payload, idKey };
  };
  // Not `for await`, which would wait for promises in an array: they are no messages.
  if (isIterable(given, Symbol.iterator)) for (const message of given) yield itemOf(message);
  else if (isIterable(given, Symbol.asyncIterator)) for await (const message of given) yield itemOf(message);
  else yield itemOf(given);
  if (place === 0) throw new OptionError("payloads", "at least one message", "none");
}

function isIterable<Name extends typeof Symbol.iterator | typeof Symbol.asyncIterator>(
  given: unknown,
  name: Name,
): given is Name extends typeof Symbol.iterator ? Iterable<unknown> : AsyncIterable<unknown> {
  const isWhole = isA(given, Uint8Array) || isA(given, String);
  return typeof given === "object" && !isWhole && typeof peek(given, name) === "function";
}

function nameOf(message: unknown, make: (message: Pushable) => string, option: string): string {
  const name: unknown = make(message as Pushable);
  if (typeof name === "string" && name !== "" && name.length <= limits.pushIdCharsMax) return name;
  throw new OptionError(
    option,
    `a function that returns a string of 1 to ${limits.pushIdCharsMax} characters`,
    show(name),
  );
}

async function* chunksOf(items: AsyncIterable<Item>): AsyncGenerator<Item[]> {
  let chunk: Item[] = [];
  let bytes = 0;
  for await (const item of items) {
    const isFull = chunk.length >= limits.pushCountMax || bytes + item.payload.length > limits.pushBytesMax;
    if (chunk.length > 0 && isFull) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(item);
    bytes += item.payload.length;
  }
  yield chunk;
}

async function collected(chunks: AsyncIterable<Item[]>, isReversed: boolean): Promise<Item[][]> {
  const all: Item[][] = [];
  for await (const chunk of chunks) all.push(chunk);
  return isReversed ? all.reverse() : all;
}

/**
 * How a chunk is sent. Messages with ids can be sent again under the same name of the request. Delayed ones can be sent again as
 * the same members, if they are due after the last repeat: a drain may have claimed what was due before.
 */
async function senderOf(
  { randomId, requestTimeoutMs }: PushContext,
  { sender, keys }: Lane,
  { delayMs, at, priority, dedupe }: CheckedPushOptions,
): Promise<(chunk: readonly Item[]) => Promise<Sent>> {
  const now = delayMs === undefined && (at === undefined || dedupe) ? 0 : await redisNow(sender);
  const askedAt = sender.now();
  const dueAt = delayMs === undefined ? at : now + delayMs;
  const repeatMs = limits.sendCountMax * requestTimeoutMs + limits.repeatWaitsMs;
  const id = randomId();
  // The place comes first, so that messages that are due together keep their order.
  const member = ({ place, payload }: Item): ByteString =>
    `${String(place).padStart(9, "0")}${id}:${payload}`;
  const value = dueAt === undefined ? ({ payload }: Item) => payload : member;
  if (dedupe) {
    const where = dueAt ?? (priority === "next" ? "right" : "left");
    return async (chunk) => {
      const ids = chunk.map(({ idKey }) => idKey as ByteString);
      const args = [`${id}.${chunk[0]?.place}`, dedupe.ttlMs, repeatMs, where, ...chunk.map(value)];
      const reply = await evaluate(sender, pushNew, [keys.list, keys.delayed, ...ids], () => args);
      if (!Array.isArray(reply) || reply.length !== chunk.length + 1)
        throw wrongReply("The script of a push", reply);
      const isNew = (index: number): boolean => reply[index + 1] === 1;
      // A repeat puts nothing there, so it does not tell the length.
      const isRepeat = reply[0] === -1 && dueAt === undefined && chunk.some((_, index) => isNew(index));
      const length = isRepeat
        ? await numberOf(sender, ["LLEN", keys.list]).catch(() => -1)
        : Number(reply[0]);
      return { length: length === -1 ? null : length, isNew };
    };
  }
  const isNew = () => true;
  if (dueAt !== undefined) {
    return async (chunk) => {
      const scored = chunk.flatMap((item) => [dueAt, member(item)]);
      const command: RedisCommand = ["ZADD", keys.delayed, ...scored];
      const leftMs = dueAt - now - (sender.now() - askedAt);
      if (leftMs > repeatMs) await sender.command(() => command);
      else await once(sender, command);
      return { length: null, isNew };
    };
  }
  return async (chunk) => {
    const payloads = chunk.map(value);
    const command: RedisCommand =
      priority === "next" ? ["RPUSH", keys.list, ...payloads.reverse()] : ["LPUSH", keys.list, ...payloads];
    const reply = await once(sender, command);
    if (typeof reply !== "number") throw wrongReply("A push", reply);
    return { length: reply, isNew };
  };
}

async function once(sender: Sender, command: RedisCommand): Promise<RedisReply | undefined> {
  const [reply] = await sender.pipelineOnce([command]);
  return unlessError(reply);
}

async function redisNow(sender: Sender): Promise<number> {
  const reply = await sender.command(() => ["TIME"]);
  const now = timeIn(reply);
  if (now === null) throw wrongReply("TIME", reply);
  return now;
}

function wrongReply(what: string, reply: unknown): RedisProtocolError {
  return new RedisProtocolError(`${what} must answer as Redis does; got ${kindOf(reply)}.`);
}
