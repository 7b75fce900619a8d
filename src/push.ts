import { fromBytes, fromText } from "./bytes.ts";
import { OptionError, RedisProtocolError, RedisReplyError } from "./errors.ts";
import { limits } from "./limits.ts";
import type { ByteString } from "./redis-client.ts";
import type { Sender } from "./sender.ts";
import { show } from "./show.ts";

/** A message to push: text goes as its UTF-8, bytes as they are. */
export type Pushable = string | Uint8Array;

/**
 * Pushes messages to the left end, the first given first, and resolves with the list's length. Sent once: a lost reply
 * throws `RedisTransportError`, and whether the messages are in the list is then not known.
 */
export async function pushMessages(
  sender: Sender,
  list: ByteString,
  given: Pushable | readonly Pushable[],
): Promise<number> {
  const payloads = (Array.isArray(given) ? given : [given]).map(toPayload);
  if (payloads.length === 0) throw new OptionError("payloads", "at least one string or Uint8Array", "none");
  let length = 0;
  for (const chunk of chunks(payloads)) {
    const [reply] = await sender.pipelineOnce([["LPUSH", list, ...chunk]]);
    if (reply instanceof RedisReplyError) throw reply;
    if (typeof reply !== "number")
      throw new RedisProtocolError(`LPUSH must answer a number; got ${typeof reply}.`);
    length = reply;
  }
  return length;
}

function toPayload(given: unknown): ByteString {
  if (typeof given === "string") return fromText(given);
  if (given instanceof Uint8Array) return fromBytes(given);
  throw new OptionError("payloads", "strings or Uint8Arrays", show(given));
}

function* chunks(payloads: readonly ByteString[]): Generator<ByteString[]> {
  let chunk: ByteString[] = [];
  let bytes = 0;
  for (const payload of payloads) {
    const isFull = chunk.length >= limits.pushCountMax || bytes + payload.length > limits.pushBytesMax;
    if (chunk.length > 0 && isFull) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(payload);
    bytes += payload.length;
  }
  yield chunk;
}
