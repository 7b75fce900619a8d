import type { ByteString, RedisCommand } from "../../src/index.ts";

/** Slots of a Redis Cluster. */
export const slotCount = 16_384;

/** The slot of a key: CRC-16 (XMODEM) of its hash tag, or of all of it where it has none. */
export function hashSlot(key: ByteString): number {
  const open = key.indexOf("{");
  const close = open < 0 ? -1 : key.indexOf("}", open);
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (let at = 0; at < hashed.length; at++) {
    crc ^= hashed.charCodeAt(at) << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc % slotCount;
}

/** Commands that name no key, whatever their first argument is. */
const keyless = new Set(
  (
    "ACL ASKING AUTH BGREWRITEAOF BGSAVE CLIENT CLUSTER COMMAND CONFIG DBSIZE DEBUG DISCARD ECHO EXEC FAILOVER FLUSHALL " +
    "FLUSHDB FUNCTION HELLO INFO KEYS LASTSAVE LATENCY LOLWUT MODULE MONITOR MULTI PING PUBLISH PUBSUB QUIT RANDOMKEY " +
    "READONLY READWRITE REPLICAOF RESET ROLE SAVE SCAN SCRIPT SELECT SHUTDOWN SLAVEOF SLOWLOG SWAPDB TIME UNWATCH WAIT WAITAOF"
  ).split(" "),
);

/** Commands whose first argument is a subcommand, and the second one the key. */
const withSubcommand = new Set(["OBJECT", "MEMORY", "XINFO", "XGROUP"]);

/** The key by which a command finds its node; undefined for one that names none. */
export function routingKey([name, ...args]: RedisCommand): ByteString | undefined {
  const command = name.toUpperCase();
  if (keyless.has(command)) return undefined;
  const isScript = /^(EVAL|EVALSHA|FCALL)(_RO)?$/.test(command);
  if (isScript && Number(args[1]) < 1) return undefined;
  const key = args[isScript ? 2 : withSubcommand.has(command) ? 1 : 0];
  return key === undefined ? undefined : String(key);
}
