import { type ByteString, type RedisReply, RedisReplyError } from "../../../src/index.ts";
import {
  always,
  argument,
  type CommandTable,
  exactInteger,
  integer,
  sumText,
  syntaxError,
} from "./command.ts";
import type { Keyspace } from "./keyspace.ts";

function set(name: string) {
  return (keyspace: Keyspace, args: ByteString[]): number => {
    if (args.length % 2 === 0)
      throw new RedisReplyError(`ERR wrong number of arguments for '${name}' command`);
    const hash = keyspace.open(argument(args, 0), "hash");
    const before = hash.size;
    for (let at = 1; at < args.length; at += 2) hash.set(argument(args, at), argument(args, at + 1));
    return hash.size - before;
  };
}

const setFields = set("hset");
const hashOf = (keyspace: Keyspace, args: ByteString[]): Map<string, string> | undefined =>
  keyspace.get(argument(args, 0), "hash");

export const hashCommands: CommandTable = {
  HSET: { min: 3, max: Number.POSITIVE_INFINITY, run: setFields },
  HSETNX: {
    min: 3,
    run: (keyspace, args) => {
      const isThere = hashOf(keyspace, args)?.has(argument(args, 1));
      return isThere ? 0 : setFields(keyspace, args);
    },
  },
  HMSET: {
    min: 3,
    max: Number.POSITIVE_INFINITY,
    isStatus: always,
    run: (keyspace, args): RedisReply => {
      set("hmset")(keyspace, args);
      return "OK";
    },
  },
  HGET: { min: 2, run: (keyspace, args) => hashOf(keyspace, args)?.get(argument(args, 1)) ?? null },
  HMGET: {
    min: 2,
    max: Number.POSITIVE_INFINITY,
    run: (keyspace, args) => {
      const hash = hashOf(keyspace, args);
      return args.slice(1).map((field) => hash?.get(field) ?? null);
    },
  },
  HGETALL: { min: 1, run: (keyspace, args) => [...(hashOf(keyspace, args) ?? [])].flat() },
  HLEN: { min: 1, run: (keyspace, args) => hashOf(keyspace, args)?.size ?? 0 },
  HRANDFIELD: {
    min: 2,
    run: (keyspace, args) => {
      // Redis promises no order: these are the oldest fields, from a random place on.
      const fields = [...(hashOf(keyspace, args)?.keys() ?? [])];
      const at = Math.floor(Math.random() * fields.length);
      return [...fields.slice(at), ...fields.slice(0, at)].slice(0, Math.max(0, integer(argument(args, 1))));
    },
  },
  HSCAN: {
    min: 2,
    max: 4,
    run: (keyspace, args) => {
      const [, cursor = "", word = "COUNT", count = "10"] = args;
      if (!/^\d+$/.test(cursor)) throw new RedisReplyError("ERR invalid cursor");
      const hash = hashOf(keyspace, args);
      if (hash && (word.toUpperCase() !== "COUNT" || integer(count) < 1)) throw syntaxError();
      // All in one go: cursor 0 says that there is no more.
      return ["0", [...(hash ?? [])].flat()];
    },
  },
  HEXISTS: { min: 2, run: (keyspace, args) => (hashOf(keyspace, args)?.has(argument(args, 1)) ? 1 : 0) },
  HKEYS: { min: 1, run: (keyspace, args) => [...(hashOf(keyspace, args)?.keys() ?? [])] },
  HVALS: { min: 1, run: (keyspace, args) => [...(hashOf(keyspace, args)?.values() ?? [])] },
  HDEL: {
    min: 2,
    max: Number.POSITIVE_INFINITY,
    run: (keyspace, args) => {
      const hash = hashOf(keyspace, args);
      const removed = args.slice(1).filter((field) => hash?.delete(field)).length;
      keyspace.tidy(argument(args, 0));
      return removed;
    },
  },
  HINCRBY: {
    min: 3,
    run: (keyspace, args) => {
      const step = exactInteger(argument(args, 2));
      const field = argument(args, 1);
      const text = hashOf(keyspace, args)?.get(field) ?? "0";
      const sum = sumText(text, step, "ERR hash value is not an integer");
      keyspace.open(argument(args, 0), "hash").set(field, sum);
      return Number(sum);
    },
  },
};
