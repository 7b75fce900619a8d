import { RedisReplyError } from "../errors.ts";
import type { ByteString, RedisCommand, RedisReply } from "../redis/redis-client.ts";
import { eachAlone, isTooLarge, type Sender } from "../redis/sender.ts";

/**
 * Sends each command once; those that a server refuses because it is not ready are sent again. A request that is refused for
 * its size has not run, and is sent in two halves: the replies must be small, so that it cannot be a reply that was too large.
 */
export async function sendEachOnce(
  sender: Sender,
  commands: readonly RedisCommand[],
): Promise<(RedisReply | RedisReplyError)[]> {
  if (commands.length === 0) return [];
  try {
    return await sender.pipelineOnce(commands, eachAlone(commands));
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    if (commands.length === 1) return [new RedisReplyError("ERR a message is too large for a request")];
    const middle = commands.length >> 1;
    const first = await sendEachOnce(sender, commands.slice(0, middle));
    return [...first, ...(await sendEachOnce(sender, commands.slice(middle)))];
  }
}

/** Splits what one command would carry, in its order, into parts of at most so many bytes, or one payload. */
export function partsOf<Part>(
  all: readonly Part[],
  bytesMax: number,
  payloadOf: (one: Part) => ByteString,
): Part[][] {
  const parts: Part[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const one of all) {
    const { length } = payloadOf(one);
    bytes += length;
    if (bytes > bytesMax) {
      parts.push([]);
      bytes = length;
    }
    parts.at(-1)?.push(one);
  }
  return parts;
}
