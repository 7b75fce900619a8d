import { evaluate, type Script } from "../broker/evaluate.ts";
import { readHistory } from "../broker/history.ts";
import { peekScript } from "../broker/scripts/peek.ts";
import { toBytes, toText } from "../bytes.ts";
import { sha1Hex } from "../digest.ts";
import { RedisProtocolError } from "../errors.ts";
import * as limits from "../limits.ts";
import { checkOptions, choice, integer, type Kinds } from "../options/option-kinds.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { RedisReply } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";

/** Options of `peek`, which throws `OptionError` for a bad one. */
export interface PeekOptions {
  /**
   * Where to look: in the `list`; among `delayed` messages, which wait for their next attempt or their time; or, with an order by
   * key, among `parked` ones, which wait in the line of their key and come key by key. With `shards`, one shard after another.
   * @default "list"
   */
  place?: "list" | "delayed" | "parked";
  /** From which end to read: the `oldest` message is the next to be claimed or due. Default: `oldest`. */
  from?: "oldest" | "newest";
  /** How many messages to read, from 1 to 1,000; fewer where their payloads come to 1 MiB. Default: 10. */
  count?: number;
}

/** A waiting message. */
export interface PeekedMessage {
  /** The Redis list that it belongs to. */
  readonly list: string;
  readonly place: "list" | "delayed" | "parked";
  /** SHA-1 of the payload, as the handler's `message.id`. */
  readonly id: string;
  /** The first 64 KiB of the payload as text; bytes that are not UTF-8 read as U+FFFD here. `size` shows whether there is more. */
  readonly payload: string;
  /** The same as exact bytes. */
  readonly bytes: Uint8Array;
  /** Bytes of the whole payload. */
  readonly size: number;
  /** Attempts that ended without an ack. Where equal payloads are in the list, it is not known which of them had how many. */
  readonly attempts: number;
  /** How many of those ended because the process died or ran past its lease. */
  readonly crashes: number;
  /** When the first of them ended, epoch ms on Redis' own clock; null where there was none. */
  readonly firstFailedAt: number | null;
  /** When a delayed message is due, epoch ms on Redis' own clock; null for others. */
  readonly dueAt: number | null;
  /** A digest of a parked message's key, the same for all messages of that key; null for other messages. */
  readonly key: string | null;
}

const peekKinds = {
  place: choice(["list", "delayed", "parked"], { default: "list" }),
  from: choice(["oldest", "newest"], { default: "oldest" }),
  count: integer({ min: 1, max: limits.peekCountMax, default: 10 }),
} satisfies Kinds<PeekOptions>;

const script: Script = { source: peekScript, sha: sha1Hex(peekScript) };

/** Reads waiting messages by one request. The options are checked before anything is sent. */
export async function peekMessages(
  sender: Sender,
  keys: ListKeys,
  options: PeekOptions,
): Promise<PeekedMessage[]> {
  const { place, from, count } = checkPeekOptions(options);
  const args = [place, from, count, limits.scriptBytesMax, limits.peekBytesMax];
  const reply = await evaluate(sender, script, [keys[place], keys.attempts], () => args);
  if (!Array.isArray(reply))
    throw new RedisProtocolError(`The script must return a list; got ${typeof reply}.`);
  return reply.map((one) => readMessage(one, keys.name, place));
}

export function checkPeekOptions(options: PeekOptions): Required<PeekOptions> {
  return checkOptions(peekKinds, options);
}

function readMessage(reply: RedisReply, list: string, place: PeekedMessage["place"]): PeekedMessage {
  const [raw, size, id, history, dueAt, key] = Array.isArray(reply) ? reply : [];
  if (typeof raw !== "string" || typeof id !== "string" || typeof history !== "string")
    throw new RedisProtocolError("The script must return a payload, its digest and its history.");
  const { earlierAttempts, crashes, firstFailedAt } = readHistory(history);
  return {
    list,
    place,
    id,
    payload: toText(raw),
    bytes: toBytes(raw),
    size: Number(size),
    attempts: earlierAttempts,
    crashes,
    firstFailedAt,
    dueAt: dueAt ? Number(dueAt) : null,
    key: typeof key === "string" && key ? key : null,
  };
}
