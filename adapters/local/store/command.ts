import { type ByteString, type RedisReply, RedisReplyError } from "../../../src/index.ts";
import type { Keyspace } from "./keyspace.ts";

/** How a command is called: how many arguments it takes, and what it does. */
export interface CommandRow {
  /** Arguments after the name, at least. */
  readonly min: number;
  /** At most. Default: as many as `min`; `Infinity` for variadic ones. */
  readonly max?: number;
  /** Whether its text reply is a status (`OK`), which a script can tell from a string. Default: never. */
  readonly isStatus?: (args: readonly ByteString[]) => boolean;
  /** Whether scripts may not call it. Default: they may. */
  readonly isForClients?: boolean;
  run(keyspace: Keyspace, args: ByteString[]): RedisReply;
}

export type CommandTable = Readonly<Record<string, CommandRow>>;

/** For a command whose text replies are all statuses. */
export const always = (): boolean => true;

/** An argument that is there for certain, because of the row's `min`. */
export function argument(args: readonly ByteString[], at: number): ByteString {
  const value = args[at];
  if (value === undefined) throw syntaxError();
  return value;
}

/** A 64-bit integer, as Redis reads one. A large one loses its last digits: see `exactInteger`. */
export function integer(text: ByteString): number {
  return Number(exactInteger(text));
}

/** The same with all its digits. */
export function exactInteger(
  text: ByteString,
  refusal = "ERR value is not an integer or out of range",
): bigint {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) throw new RedisReplyError(refusal);
  return in64Bits(BigInt(text), refusal);
}

/** The sum of two of them, as the text that is kept. */
export function sumText(text: ByteString, change: bigint, refusal?: string): ByteString {
  return String(in64Bits(exactInteger(text, refusal) + change, "ERR increment or decrement would overflow"));
}

export function in64Bits(value: bigint, refusal: string): bigint {
  if (value !== BigInt.asIntN(64, value)) throw new RedisReplyError(refusal);
  return value;
}

/** A score, as Redis reads one. */
export function float(text: ByteString): number {
  if (/^[+-]?inf(inity)?$/i.test(text))
    return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text))
    throw new RedisReplyError("ERR value is not a valid float");
  return Number(text);
}

export function syntaxError(): RedisReplyError {
  return new RedisReplyError("ERR syntax error");
}

/** Redis' ranges count from either end; undefined where nothing lies between. */
export function range(
  first: number,
  last: number,
  length: number,
): { first: number; last: number } | undefined {
  const from = Math.max(0, first < 0 ? length + first : first);
  const to = Math.min(length - 1, last < 0 ? length + last : last);
  return from > to ? undefined : { first: from, last: to };
}

/** By command: words that Redis knows and the embedded store does not. */
const absentWords: Readonly<Record<string, readonly string[]>> = {
  SET: ["EXAT", "PXAT", "IFEQ", "IFNE", "IFDEQ", "IFDNE"],
  EXPIRE: ["NX", "XX", "GT", "LT"],
  ZADD: ["INCR"],
  ZRANGE: ["BYLEX"],
  SCRIPT: ["DEBUG", "HELP", "KILL", "SHOW"],
};

/** The error for a word that a command does not take: Redis' own or, where Redis would take it, one that names the embedded store. */
export function unknownWord(command: string, word: string, otherwise = "ERR syntax error"): RedisReplyError {
  const name = word.toUpperCase();
  if (!absentWords[command]?.includes(name)) return new RedisReplyError(otherwise);
  return new RedisReplyError(
    `ERR the embedded store does not know ${name} of ${command}: use a Redis (--url), or put redis-server on the PATH`,
  );
}
