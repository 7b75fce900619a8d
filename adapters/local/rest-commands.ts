import { type RedisCommand, RedisReplyError } from "../../src/index.ts";

/**
 * Commands that Upstash does not serve over REST, and those that would harm others on the same connection: they block, keep state
 * on the connection, or end it or the server.
 */
const unavailable = new Set(
  (
    "ASKING AUTH BLMOVE BLMOVEM BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN CLIENT DEBUG DISCARD EXEC FAILOVER " +
    "HELLO MIGRATE MONITOR MULTI PSUBSCRIBE PSYNC PUNSUBSCRIBE QUIT READONLY READWRITE REPLCONF REPLICAOF RESET SELECT " +
    "SHUTDOWN SLAVEOF SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE SYNC UNSUBSCRIBE UNWATCH WAIT WAITAOF WATCH"
  ).split(" "),
);

/** The words before `STREAMS`, and how many arguments follow each. */
const streamWords: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  XREAD: { COUNT: 1 },
  XREADGROUP: { GROUP: 2, COUNT: 1, NOACK: 0, CLAIM: 1 },
};

/** Why a command is not served, or undefined where it is. */
export function refusal(command: RedisCommand): RedisReplyError | undefined {
  const name = command[0].toUpperCase();
  // Names such as `constructor` must not reach a client, which would find them on its own prototype.
  if (command[0].toLowerCase() in {}) return new RedisReplyError(`ERR unknown command '${command[0]}'`);
  const isDebugger = name === "SCRIPT" && String(command[1]).toUpperCase() === "DEBUG";
  if (!unavailable.has(name) && !isDebugger && !blocks(name, command)) return undefined;
  return new RedisReplyError(`ERR Command is not available: '${name}'`);
}

/** `XREAD` and `XREADGROUP` with `BLOCK`, which may stand before `STREAMS` only. */
function blocks(name: string, command: RedisCommand): boolean {
  const words = Object.hasOwn(streamWords, name) ? streamWords[name] : undefined;
  if (words === undefined) return false;
  for (let at = 1; at < command.length; at++) {
    const word = String(command[at]).toUpperCase();
    if (word === "BLOCK") return true;
    const count = words[word];
    if (count === undefined) return false;
    at += count;
  }
  return false;
}
