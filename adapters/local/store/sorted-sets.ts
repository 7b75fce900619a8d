import { type ByteString, type RedisReply, RedisReplyError } from "../../../src/index.ts";
import { argument, type CommandTable, float, integer, range, syntaxError, unknownWord } from "./command.ts";
import type { Keyspace } from "./keyspace.ts";
import { printScore, type SortedSet } from "./sorted-set.ts";

type Entries = readonly [member: string, score: number][];

const setOf = (keyspace: Keyspace, args: ByteString[]): SortedSet | undefined =>
  keyspace.get(argument(args, 0), "zset");

function print(entries: Entries, hasScores: boolean): RedisReply {
  return entries.flatMap(([member, score]) => (hasScores ? [member, printScore(score)] : [member]));
}

function bound(text: ByteString): { at: number; isOpen: boolean } {
  const isOpen = text.startsWith("(");
  try {
    return { at: float(isOpen ? text.slice(1) : text), isOpen };
  } catch {
    throw new RedisReplyError("ERR min or max is not a float");
  }
}

/** Redis looks at the bounds before it looks at the key. */
function between(keyspace: Keyspace, args: ByteString[], low: ByteString, high: ByteString): Entries {
  const [from, to] = [bound(low), bound(high)];
  const isIn = (score: number): boolean =>
    (from.isOpen ? score > from.at : score >= from.at) && (to.isOpen ? score < to.at : score <= to.at);
  return (
    setOf(keyspace, args)
      ?.entries()
      .filter(([, score]) => isIn(score)) ?? []
  );
}

function limited(entries: Entries, offset: number, count: number): Entries {
  if (offset < 0) return [];
  return count < 0 ? entries.slice(offset) : entries.slice(offset, offset + count);
}

function readRange(keyspace: Keyspace, args: ByteString[], byScore: boolean): RedisReply {
  let [isByScore, isReversed, hasScores] = [byScore, false, false];
  let limit: [number, number] | undefined;
  for (let at = 3; at < args.length; at++) {
    const word = argument(args, at).toUpperCase();
    if (word === "WITHSCORES") hasScores = true;
    else if (word === "BYSCORE" && !byScore) isByScore = true;
    else if (word === "REV" && !byScore) isReversed = true;
    else if (word === "LIMIT") limit = [integer(argument(args, ++at)), integer(argument(args, ++at))];
    else throw unknownWord(byScore ? "ZRANGEBYSCORE" : "ZRANGE", word);
  }
  if (limit && !isByScore) {
    throw new RedisReplyError(
      "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
    );
  }
  const [low, high] = [argument(args, 1), argument(args, 2)];
  if (!isByScore) {
    const [first, last] = [integer(low), integer(high)];
    const entries = [...(setOf(keyspace, args)?.entries() ?? [])];
    const span = range(first, last, entries.length);
    if (isReversed) entries.reverse();
    return print(span ? entries.slice(span.first, span.last + 1) : [], hasScores);
  }
  const found = isReversed
    ? [...between(keyspace, args, high, low)].reverse()
    : between(keyspace, args, low, high);
  return print(limit ? limited(found, ...limit) : found, hasScores);
}

/** Members between two texts, where all scores are equal. */
function readLexRange(keyspace: Keyspace, args: ByteString[]): RedisReply {
  const [from, to] = [lexBound(argument(args, 1)), lexBound(argument(args, 2))];
  if (args.length > 3 && argument(args, 3).toUpperCase() !== "LIMIT")
    throw unknownWord("ZRANGEBYLEX", argument(args, 3));
  const limit = args.length > 3 ? [integer(argument(args, 4)), integer(argument(args, 5))] : [0, -1];
  const isIn = (member: string): boolean => from(member) >= 0 && to(member) <= 0;
  const found =
    setOf(keyspace, args)
      ?.entries()
      .filter(([member]) => isIn(member)) ?? [];
  return print(limited(found, ...(limit as [number, number])), false);
}

/** Says where a member stands: before the bound (-1), on it (0) or behind it (1). No member stands on an open bound. */
function lexBound(text: ByteString): (member: string) => number {
  if (text === "-") return () => 1;
  if (text === "+") return () => -1;
  const at = text.slice(1);
  if (text.startsWith("[")) return (member) => (member < at ? -1 : member > at ? 1 : 0);
  if (text.startsWith("(")) return (member) => (member === at ? Number.NaN : member < at ? -1 : 1);
  throw new RedisReplyError("ERR min or max not valid string range item");
}

function add(keyspace: Keyspace, args: ByteString[]): RedisReply {
  const flags = new Set<string>();
  let at = 1;
  while (/^(NX|XX|GT|LT|CH)$/i.test(argument(args, at))) flags.add(argument(args, at++).toUpperCase());
  if (argument(args, at).toUpperCase() === "INCR") throw unknownWord("ZADD", "INCR");
  const pairs = args.slice(at);
  if (pairs.length === 0 || pairs.length % 2 === 1) throw syntaxError();
  if (flags.has("NX") && (flags.has("XX") || flags.has("GT") || flags.has("LT"))) {
    throw new RedisReplyError("ERR XX and NX options at the same time are not compatible");
  }
  const scores = pairs.filter((_, index) => index % 2 === 0).map(float);
  const set = keyspace.open(argument(args, 0), "zset");
  let [added, changed] = [0, 0];
  for (const [index, score] of scores.entries()) {
    const member = argument(pairs, index * 2 + 1);
    const before = set.score(member);
    const isRefused =
      before === undefined
        ? flags.has("XX")
        : flags.has("NX") || (flags.has("GT") && score <= before) || (flags.has("LT") && score >= before);
    if (isRefused) continue;
    if (before === undefined) added += 1;
    else if (before !== score) changed += 1;
    set.set(member, score);
  }
  keyspace.tidy(argument(args, 0));
  return flags.has("CH") ? added + changed : added;
}

function remove(keyspace: Keyspace, key: ByteString, members: readonly string[]): number {
  const set = keyspace.get(key, "zset");
  const count = members.filter((member) => set?.remove(member)).length;
  keyspace.tidy(key);
  return count;
}

export const sortedSetCommands: CommandTable = {
  ZADD: { min: 3, max: Number.POSITIVE_INFINITY, run: add },
  ZREM: {
    min: 2,
    max: Number.POSITIVE_INFINITY,
    run: (keyspace, args) => remove(keyspace, argument(args, 0), args.slice(1)),
  },
  ZSCORE: {
    min: 2,
    run: (keyspace, args) => {
      const score = setOf(keyspace, args)?.score(argument(args, 1));
      return score === undefined ? null : printScore(score);
    },
  },
  ZMSCORE: {
    min: 2,
    max: Number.POSITIVE_INFINITY,
    run: (keyspace, args) => {
      const set = setOf(keyspace, args);
      const scores = args.slice(1).map((member) => set?.score(member));
      return scores.map((score) => (score === undefined ? null : printScore(score)));
    },
  },
  ZRANGEBYLEX: { min: 3, max: 6, run: readLexRange },
  ZCARD: { min: 1, run: (keyspace, args) => setOf(keyspace, args)?.size ?? 0 },
  ZCOUNT: {
    min: 3,
    run: (keyspace, args) => between(keyspace, args, argument(args, 1), argument(args, 2)).length,
  },
  ZRANGE: {
    min: 3,
    max: Number.POSITIVE_INFINITY,
    run: (keyspace, args) => readRange(keyspace, args, false),
  },
  ZRANGEBYSCORE: {
    min: 3,
    max: Number.POSITIVE_INFINITY,
    run: (keyspace, args) => readRange(keyspace, args, true),
  },
  ZPOPMIN: {
    min: 1,
    max: 2,
    run: (keyspace, args) => {
      const count = args[1] === undefined ? 1 : integer(args[1]);
      if (count < 0) throw new RedisReplyError("ERR value is out of range, must be positive");
      const popped = (setOf(keyspace, args)?.entries() ?? []).slice(0, count);
      remove(
        keyspace,
        argument(args, 0),
        popped.map(([member]) => member),
      );
      return print(popped, true);
    },
  },
  ZREMRANGEBYSCORE: {
    min: 3,
    run: (keyspace, args) => {
      const found = between(keyspace, args, argument(args, 1), argument(args, 2));
      return remove(
        keyspace,
        argument(args, 0),
        found.map(([member]) => member),
      );
    },
  },
};
