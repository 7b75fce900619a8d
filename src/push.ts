import { evaluate, type Script } from "./broker/evaluate.ts";
import { timeIn, unlessError } from "./broker/replies.ts";
import { pushNewScript } from "./broker/scripts/push-new.ts";
import { fromText } from "./bytes.ts";
import type { Codec } from "./codec.ts";
import { sha1Hex } from "./digest.ts";
import { OptionError, PushIncompleteError, RedisProtocolError } from "./errors.ts";
import { isA, peek, whenSettled } from "./guest.ts";
import type { ListKeys } from "./keys.ts";
import { limits } from "./limits.ts";
import { payloadOf } from "./payload.ts";
import {
  type CheckedPushOptions,
  checkPushOptions,
  type Pushable,
  type PushOptions,
} from "./push-options.ts";
import type { ByteString, RedisCommand, RedisReply } from "./redis-client.ts";
import type { Sender } from "./sender.ts";
import { kindOf, show } from "./show.ts";

/** What became of a push. */
export interface PushResult {
  /** Messages that were pushed. */
  readonly pushed: number;
  /** Places, from 0, of the messages that were not, because their ids had been pushed before. */
  readonly duplicates: readonly number[];
  /** How long the list then was; null where nothing went there: all were delayed, or duplicates. */
  readonly length: number | null;
}

/** The same, and what only `drain.push` makes use of. */
interface Pushed extends PushResult {
  /** Whether the list was empty, and a drain is to be started. */
  readonly mayWake: boolean;
}

export interface PushContext {
  readonly sender: Sender;
  readonly keys: ListKeys;
  readonly codec: Codec<unknown>;
  readonly canRunScripts: boolean;
  readonly requestTimeoutMs: number;
  readonly randomId: () => string;
}

interface Item {
  readonly place: number;
  readonly payload: ByteString;
  /** The key that remembers its id; none where messages have no ids. */
  readonly idKey: ByteString | undefined;
}

interface Sent {
  readonly length: number | null;
  isNew(at: number): boolean;
}

const pushNew: Script = { source: pushNewScript, sha: sha1Hex(pushNewScript) };

/** Pushes messages, the first given first, in chunks that one request may hold. An array is checked before any is sent. */
export async function pushMessages(
  context: PushContext,
  given: Pushable | Iterable<Pushable> | AsyncIterable<Pushable>,
  options: PushOptions,
): Promise<Pushed> {
  const checked = checkPushOptions(options, context.canRunScripts);
  const isNext = checked.priority === "next";
  const duplicates: number[] = [];
  let pushed = 0;
  let length: number | null = null;
  let wasEmpty = false;
  try {
    const chunks = chunksOf(itemsOf(given, context, checked));
    const isStream = typeof given === "object" && !Array.isArray(given) && !isNext;
    const send = await senderOf(context, checked);
    for await (const chunk of isStream ? chunks : await collected(chunks, isNext)) {
      const sent = await send(chunk);
      const known = chunk.filter((_, at) => !sent.isNew(at));
      const newCount = chunk.length - known.length;
      if (length === null && sent.length !== null) wasEmpty = sent.length <= newCount;
      length = sent.length ?? length;
      pushed += newCount;
      duplicates.push(...known.map(({ place }) => place));
    }
  } catch (error) {
    throw pushed > 0 ? new PushIncompleteError(pushed, error) : error;
  }
  return { pushed, duplicates, length, mayWake: wasEmpty && checked.wake };
}

async function* itemsOf(
  given: unknown,
  context: PushContext,
  { dedupe }: CheckedPushOptions,
): AsyncGenerator<Item> {
  let place = 0;
  const itemOf = (message: unknown): Item => {
    const payload = payloadOf(message, context.codec);
    const idKey = dedupe && `${context.keys.base}id:${idOf(message, dedupe.id)}`;
    return { place: place++, payload, idKey };
  };
  // Promises in an array are no stream: `for await` would wait for them.
  if (isIterable(given, Symbol.iterator)) for (const message of given) yield itemOf(message);
  else if (isIterable(given, Symbol.asyncIterator)) for await (const message of given) yield itemOf(message);
  else yield itemOf(given);
  if (place === 0) throw new OptionError("payloads", "at least one message", "none");
}

function isIterable<Name extends typeof Symbol.iterator | typeof Symbol.asyncIterator>(
  given: unknown,
  name: Name,
): given is Name extends typeof Symbol.iterator ? Iterable<unknown> : AsyncIterable<unknown> {
  return typeof given === "object" && !isA(given, Uint8Array) && typeof peek(given, name) === "function";
}

function idOf(message: unknown, make: (message: Pushable) => string): ByteString {
  const id: unknown = make(message as Pushable);
  if (typeof id === "string" && id !== "" && id.length <= limits.pushIdCharsMax) return fromText(id);
  void whenSettled(id);
  throw new OptionError(
    "dedupe.id",
    `a function that returns a string of 1 to ${limits.pushIdCharsMax} characters`,
    show(id),
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
 * How a chunk is sent. What has ids can be sent again, by the same request's name; and what is delayed, as the same members,
 * where it is due later than anything is sent again: a drain may have had what was due before.
 */
async function senderOf(
  { sender, keys, randomId, requestTimeoutMs }: PushContext,
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
      return { length: reply[0] === -1 ? null : Number(reply[0]), isNew: (index) => reply[index + 1] === 1 };
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
  return new RedisProtocolError(`${what} had another answer than Redis gives: ${kindOf(reply)}.`);
}
