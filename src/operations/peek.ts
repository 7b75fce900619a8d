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

/** Which messages to look at. `peek` throws `OptionError` for a bad one. */
export interface PeekOptions {
  /**
   * Where they wait: in the `list`, for their next attempt or their time in `delayed`, or, with an order by key, in the line of
   * their key in `parked`, whose messages come key by key. With `shards`, one shard after another.
   * @default "list"
   */
  place?: "list" | "delayed" | "parked";
  /** From which end: `oldest` is the next to be claimed, or to be due. Default: `oldest`. */
  from?: "oldest" | "newest";
  /** Messages at most, from 1 to 1,000; fewer where their payloads come to 1 MiB. Default: 10. */
  count?: number;
}

/** A message that waits, and what is known of it. */
export interface PeekedMessage {
  /** The Redis list that it belongs to. */
  readonly list: string;
  readonly place: "list" | "delayed" | "parked";
  /** SHA-1 of the payload, as the handler's `message.id`. */
  readonly id: string;
  /** The payload as text; bytes that are not UTF-8 read as U+FFFD here. Its first 64 KiB: `size` tells of more. */
  readonly payload: string;
  /** The same, exact. */
  readonly bytes: Uint8Array;
  /** Bytes of the whole payload. */
  readonly size: number;
  /** Attempts that ended without an ack; of equal payloads in the list, which has had how many is not known. */
  readonly attempts: number;
  /** How many of those ended because the process died or ran past its lease. */
  readonly crashes: number;
  /** When the first of them ended, epoch ms on Redis' own clock; null where there was none. */
  readonly firstFailedAt: number | null;
  /** When a delayed message is due, epoch ms on Redis' own clock; null for others. */
  readonly dueAt: number | null;
  /** What stands for the key of a parked message, the same for all of that key; null for others. */
  readonly key: string | null;
}

const peekKinds = {
  place: choice(["list", "delayed", "parked"], { default: "list" }),
  from: choice(["oldest", "newest"], { default: "oldest" }),
  count: integer({ min: 1, max: limits.peekCountMax, default: 10 }),
} satisfies Kinds<PeekOptions>;

const script: Script = { source: peekScript, sha: sha1Hex(peekScript) };

/** Reads them by one request. The options are checked before anything is sent. */
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
