import { RedisProtocolError, RedisReplyError } from "../errors.ts";
import type { ByteString, RedisCommand, RedisReply } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";

/** A reply of a pipeline. Throws the error that stands in its place. */
export function unlessError(reply: RedisReply | RedisReplyError | undefined): RedisReply | undefined {
  if (reply instanceof RedisReplyError) throw reply;
  return reply;
}

/** Sends commands that may be repeated, and returns their replies. Throws where one of them is an error. */
export async function pipelined(
  sender: Sender,
  commands: RedisCommand[],
): Promise<(RedisReply | undefined)[]> {
  return (await sender.pipeline(commands)).map(unlessError);
}

/** The number that a command which may be repeated answers. */
export async function numberOf(sender: Sender, command: RedisCommand): Promise<number> {
  const reply = await sender.command(() => command);
  if (typeof reply !== "number")
    throw new RedisProtocolError(`${command[0]} must answer a number; got ${typeof reply}.`);
  return reply;
}

/** Whether a hash has a field, by one command, sent once: the turn script needs the right to it too. */
export async function hasField(sender: Sender, key: ByteString, field: ByteString): Promise<boolean> {
  const [reply] = await sender.pipelineOnce([["HMGET", key, field]]);
  return Array.isArray(reply) && typeof reply[0] === "string";
}

/** What `TIME` answered, epoch ms on Redis' own clock; null for what is no time. */
export function timeIn(reply: unknown): number | null {
  const [seconds, micros] = Array.isArray(reply) ? reply.map(Number) : [];
  const now = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  return Number.isInteger(now) ? now : null;
}
