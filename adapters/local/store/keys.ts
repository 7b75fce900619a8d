import { type ByteString, type RedisReply, RedisReplyError } from "../../../src/index.ts";
import {
  always,
  argument,
  type CommandTable,
  exactInteger,
  in64Bits,
  integer,
  sumText,
  syntaxError,
  unknownWord,
} from "./command.ts";
import { matchesGlob } from "./glob.ts";
import type { Keyspace } from "./keyspace.ts";

function countOf(isCounted: (keyspace: Keyspace, key: ByteString) => boolean) {
  return (keyspace: Keyspace, keys: ByteString[]): number =>
    keys.filter((key) => isCounted(keyspace, key)).length;
}

function expire(name: string, unitMs: number) {
  return (keyspace: Keyspace, args: ByteString[]): RedisReply => {
    const key = argument(args, 0);
    const ms = integer(argument(args, 1)) * unitMs;
    const [word] = args.slice(2);
    if (word !== undefined) {
      throw unknownWord("EXPIRE", word, `ERR Unsupported option ${word}`);
    }
    if (!Number.isSafeInteger(ms)) throw new RedisReplyError(`ERR invalid expire time in '${name}' command`);
    if (!keyspace.has(key)) return 0;
    keyspace.expireAt(key, keyspace.now() + ms);
    return 1;
  };
}

function timeToLive(unitMs: number) {
  return (keyspace: Keyspace, args: ByteString[]): RedisReply => {
    const key = argument(args, 0);
    if (!keyspace.has(key)) return -2;
    const at = keyspace.expiry(key);
    return at === undefined ? -1 : Math.round((at - keyspace.now()) / unitMs);
  };
}

function add(step: (args: ByteString[]) => bigint) {
  return (keyspace: Keyspace, args: ByteString[]): RedisReply => {
    const key = argument(args, 0);
    const change = step(args);
    const sum = sumText(keyspace.get(key, "string") ?? "0", change);
    keyspace.setText(key, sum);
    return Number(sum);
  };
}

function set(keyspace: Keyspace, args: ByteString[]): RedisReply {
  const [key, value] = [argument(args, 0), argument(args, 1)];
  const flags = new Set<string>();
  let expiresAt: number | undefined;
  for (let at = 2; at < args.length; at++) {
    const word = argument(args, at).toUpperCase();
    if (word === "EX" || word === "PX") {
      const ms = integer(argument(args, ++at)) * (word === "EX" ? 1_000 : 1);
      if (ms <= 0) throw new RedisReplyError("ERR invalid expire time in 'set' command");
      expiresAt = keyspace.now() + ms;
    } else if (["NX", "XX", "GET", "KEEPTTL"].includes(word)) flags.add(word);
    else throw unknownWord("SET", word);
  }
  if (flags.has("NX") && flags.has("XX")) throw syntaxError();
  const before = flags.has("GET") ? (keyspace.get(key, "string") ?? null) : null;
  const isRefused = keyspace.has(key) ? flags.has("NX") : flags.has("XX");
  if (!isRefused) {
    keyspace.setText(key, value);
    if (!flags.has("KEEPTTL")) keyspace.expireAt(key, expiresAt);
  }
  if (flags.has("GET")) return before;
  return isRefused ? null : "OK";
}

function scan(keyspace: Keyspace, args: ByteString[]): RedisReply {
  if (!/^\d+$/.test(argument(args, 0))) throw new RedisReplyError("ERR invalid cursor");
  let pattern = "*";
  let kind: string | undefined;
  for (let at = 1; at < args.length; at += 2) {
    const [word, value] = [argument(args, at).toUpperCase(), argument(args, at + 1)];
    if (word === "MATCH") pattern = value;
    else if (word === "TYPE") kind = value.toLowerCase();
    else if (word !== "COUNT" || integer(value) < 1) throw syntaxError();
  }
  const found = keyspace.keys().filter((key) => matchesGlob(pattern, key));
  // All keys at once: cursor 0 says that there are no more.
  return ["0", kind === undefined ? found : found.filter((key) => keyspace.kind(key) === kind)];
}

const clear = (keyspace: Keyspace): RedisReply => {
  keyspace.clear();
  return "OK";
};

export const keyCommands: CommandTable = {
  PING: { min: 0, max: 1, isStatus: (args) => args.length === 0, run: (_, args) => args[0] ?? "PONG" },
  ECHO: { min: 1, run: (_, args) => argument(args, 0) },
  TIME: {
    min: 0,
    run: (keyspace) => {
      const micros = keyspace.micros();
      return [String(Math.floor(micros / 1_000_000)), String(micros % 1_000_000)];
    },
  },
  DBSIZE: { min: 0, run: (keyspace) => keyspace.keys().length },
  FLUSHDB: { min: 0, max: 1, isStatus: always, run: clear },
  FLUSHALL: { min: 0, max: 1, isStatus: always, run: clear },
  EXISTS: { min: 1, max: Number.POSITIVE_INFINITY, run: countOf((keyspace, key) => keyspace.has(key)) },
  DEL: { min: 1, max: Number.POSITIVE_INFINITY, run: countOf((keyspace, key) => keyspace.remove(key)) },
  UNLINK: { min: 1, max: Number.POSITIVE_INFINITY, run: countOf((keyspace, key) => keyspace.remove(key)) },
  TYPE: { min: 1, isStatus: always, run: (keyspace, args) => keyspace.kind(argument(args, 0)) },
  KEYS: {
    min: 1,
    run: (keyspace, args) => keyspace.keys().filter((key) => matchesGlob(argument(args, 0), key)),
  },
  SCAN: { min: 1, max: Number.POSITIVE_INFINITY, run: scan },
  EXPIRE: { min: 2, max: 3, run: expire("expire", 1_000) },
  PEXPIRE: { min: 2, max: 3, run: expire("pexpire", 1) },
  TTL: { min: 1, run: timeToLive(1_000) },
  PTTL: { min: 1, run: timeToLive(1) },
  PERSIST: {
    min: 1,
    run: (keyspace, args) => {
      const key = argument(args, 0);
      if (!keyspace.has(key) || keyspace.expiry(key) === undefined) return 0;
      keyspace.expireAt(key, undefined);
      return 1;
    },
  },
  SET: {
    min: 2,
    max: Number.POSITIVE_INFINITY,
    isStatus: (args) => !args.slice(2).some((word) => word.toUpperCase() === "GET"),
    run: set,
  },
  GET: { min: 1, run: (keyspace, args) => keyspace.get(argument(args, 0), "string") ?? null },
  STRLEN: { min: 1, run: (keyspace, args) => keyspace.get(argument(args, 0), "string")?.length ?? 0 },
  INCR: { min: 1, run: add(() => 1n) },
  DECR: { min: 1, run: add(() => -1n) },
  INCRBY: { min: 2, run: add((args) => exactInteger(argument(args, 1))) },
  DECRBY: {
    min: 2,
    run: add((args) => in64Bits(-exactInteger(argument(args, 1)), "ERR decrement would overflow")),
  },
};
