import { type ByteString, type RedisReply, RedisReplyError } from "../../../src/index.ts";
import { always, argument, type CommandTable, integer, range, syntaxError } from "./command.ts";
import type { Keyspace } from "./keyspace.ts";

type Side = "left" | "right";

function push(side: Side, needsKey: boolean) {
  return (keyspace: Keyspace, [key, ...values]: ByteString[]): RedisReply => {
    const name = argument([key as ByteString], 0);
    if (needsKey && keyspace.get(name, "list") === undefined) return 0;
    const list = keyspace.open(name, "list");
    for (const value of values) side === "left" ? list.pushLeft(value) : list.pushRight(value);
    return list.length;
  };
}

function pop(side: Side) {
  return (keyspace: Keyspace, args: ByteString[]): RedisReply => {
    const key = argument(args, 0);
    const count = args[1] === undefined ? undefined : integer(args[1]);
    if (count !== undefined && count < 0)
      throw new RedisReplyError("ERR value is out of range, must be positive");
    const list = keyspace.get(key, "list");
    if (list === undefined) return null;
    const taken: string[] = [];
    for (let left = Math.min(count ?? 1, list.length); left > 0; left--) {
      taken.push(side === "left" ? list.popLeft() : list.popRight());
    }
    keyspace.tidy(key);
    return count === undefined ? (taken[0] as string) : taken;
  };
}

function move(keyspace: Keyspace, source: ByteString, target: ByteString, from: Side, to: Side): RedisReply {
  const list = keyspace.get(source, "list");
  if (list === undefined) return null;
  // The target's kind is checked before anything moves.
  keyspace.get(target, "list");
  const value = from === "left" ? list.popLeft() : list.popRight();
  const other = keyspace.open(target, "list");
  to === "left" ? other.pushLeft(value) : other.pushRight(value);
  keyspace.tidy(source);
  return value;
}

function side(word: ByteString): Side {
  const lower = word.toLowerCase();
  if (lower !== "left" && lower !== "right") throw syntaxError();
  return lower;
}

export const listCommands: CommandTable = {
  LPUSH: { min: 2, max: Number.POSITIVE_INFINITY, run: push("left", false) },
  RPUSH: { min: 2, max: Number.POSITIVE_INFINITY, run: push("right", false) },
  LPUSHX: { min: 2, max: Number.POSITIVE_INFINITY, run: push("left", true) },
  RPUSHX: { min: 2, max: Number.POSITIVE_INFINITY, run: push("right", true) },
  LPOP: { min: 1, max: 2, run: pop("left") },
  RPOP: { min: 1, max: 2, run: pop("right") },
  RPOPLPUSH: {
    min: 2,
    run: (keyspace, args) => move(keyspace, argument(args, 0), argument(args, 1), "right", "left"),
  },
  LMOVE: {
    min: 4,
    run: (keyspace, args) =>
      move(keyspace, argument(args, 0), argument(args, 1), side(argument(args, 2)), side(argument(args, 3))),
  },
  LLEN: { min: 1, run: (keyspace, args) => keyspace.get(argument(args, 0), "list")?.length ?? 0 },
  LINDEX: {
    min: 2,
    run: (keyspace, args) => {
      const index = integer(argument(args, 1));
      const list = keyspace.get(argument(args, 0), "list");
      const at = list && index < 0 ? list.length + index : index;
      return list && at >= 0 && at < list.length ? list.at(at) : null;
    },
  },
  LSET: {
    min: 3,
    isStatus: always,
    run: (keyspace, args) => {
      const index = integer(argument(args, 1));
      const list = keyspace.get(argument(args, 0), "list");
      if (list === undefined) throw new RedisReplyError("ERR no such key");
      const at = index < 0 ? list.length + index : index;
      if (at < 0 || at >= list.length) throw new RedisReplyError("ERR index out of range");
      list.set(at, argument(args, 2));
      return "OK";
    },
  },
  LRANGE: {
    min: 3,
    run: (keyspace, args) => {
      const [first, last] = [integer(argument(args, 1)), integer(argument(args, 2))];
      const list = keyspace.get(argument(args, 0), "list");
      const span = range(first, last, list?.length ?? 0);
      return list && span ? list.slice(span.first, span.last) : [];
    },
  },
  LTRIM: {
    min: 3,
    isStatus: always,
    run: (keyspace, args) => {
      const key = argument(args, 0);
      const [first, last] = [integer(argument(args, 1)), integer(argument(args, 2))];
      const list = keyspace.get(key, "list");
      if (list === undefined) return "OK";
      const span = range(first, last, list.length);
      list.replace(span ? list.slice(span.first, span.last) : []);
      keyspace.tidy(key);
      return "OK";
    },
  },
  LREM: {
    min: 3,
    run: (keyspace, args) => {
      const key = argument(args, 0);
      const count = integer(argument(args, 1));
      const unwanted = argument(args, 2);
      const list = keyspace.get(key, "list");
      if (list === undefined) return 0;
      const values = list.slice(0, list.length - 1);
      if (count < 0) values.reverse();
      let left = count === 0 ? values.length : Math.abs(count);
      const kept = values.filter((value) => value !== unwanted || left-- <= 0);
      if (count < 0) kept.reverse();
      list.replace(kept);
      keyspace.tidy(key);
      return values.length - kept.length;
    },
  },
};
