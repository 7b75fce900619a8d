import { fromText } from "../bytes.ts";
import { OptionError } from "../errors.ts";
import { show } from "../options/show.ts";

/** More shards than this no list has. Reason: an idle tick looks at them all. */
export const shardCountMax = 1_024;

/**
 * The Redis list of one shard, from 0: `{emails:3}`, whose other keys are `{emails:3}:leases` and so on. A list of one
 * shard is itself.
 */
export function shardName(list: string, at: number, shards: number): string {
  return shards === 1 ? list : `{${list}:${at}}`;
}

/**
 * The Redis list that holds the messages of a key: the shard whose number is the CRC-32 (IEEE) of the key's UTF-8, modulo
 * `shards`. For producers that push by other means than `drain.push`. Throws `OptionError` for a list that cannot have
 * shards, or so many, and for a key that is no string.
 */
export function shardOf(list: string, key: string, shards: number): string {
  if (typeof list !== "string" || list === "")
    throw new OptionError("list", "a string with at least one character", show(list));
  // A number would be another key than its text is to producers in other languages.
  if (typeof key !== "string") throw new OptionError("key", "a string", show(key));
  checkShards(list, shards);
  return shardName(list, shardAt(key, shards), shards);
}

export function shardAt(key: string, shards: number): number {
  return crc32(fromText(key)) % shards;
}

/** Throws `OptionError` for a count of shards that is none, and for a list that has a hash tag: all its shards would share it. */
export function checkShards(list: string, shards: unknown): asserts shards is number {
  if (!Number.isInteger(shards) || (shards as number) < 1 || (shards as number) > shardCountMax) {
    throw new OptionError("shards", `a whole number from 1 to ${shardCountMax}`, show(shards));
  }
  if (/[{}]/.test(list))
    throw new OptionError("list", 'a name without "{" and "}" where it has shards', show(list));
}

/** CRC-32 (IEEE) of bytes-in-a-string, as zlib has it: not negative. */
export function crc32(bytes: string): number {
  let crc = 0xffffffff;
  for (let at = 0; at < bytes.length; at++) {
    crc ^= bytes.charCodeAt(at);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
