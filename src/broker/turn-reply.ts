import { RedisProtocolError, RedisReplyError } from "../errors.ts";
import type { ByteString, RedisReply } from "../redis-client.ts";

/** What the turn script returned, checked. */
export interface TurnReply {
  readonly settled: "nothing" | "settled" | "lost" | "settled-earlier";
  readonly claimed: "not-served" | "served" | "busy";
  readonly messages: readonly ByteString[];
  readonly earlierAttempts: readonly number[];
  readonly now: number;
  readonly expiresAt: number;
  readonly recovered: number;
  readonly nextDueAt: number | null;
  readonly remaining: number | null;
  readonly horizon: number | null;
  readonly isQuiet: boolean;
  readonly problem: RedisReplyError | null;
  readonly calls: number;
}

const settledWords = ["nothing", "settled", "lost", "settled-earlier"] as const;
const claimedWords = ["not-served", "served", "busy", "not-served"] as const;
const fieldCount = 13;

/** Reads the script's reply. Throws `RedisProtocolError` where it does not have the shape its header promises. */
export function readTurnReply(reply: RedisReply): TurnReply {
  if (!Array.isArray(reply) || reply.length !== fieldCount) throw malformed("an array of 13 fields");
  const settled = settledWords[integer(reply, 0)];
  const claimed = claimedWords[integer(reply, 1)];
  const messages = reply[2];
  const earlierAttempts = reply[3];
  const problem = reply[11];
  if (settled === undefined || claimed === undefined) throw malformed("known words for settled and claimed");
  if (!isListOf(messages, "string")) throw malformed("a list of payloads as field 3");
  if (!isListOf(earlierAttempts, "number")) throw malformed("a list of counts as field 4");
  if (typeof problem !== "string") throw malformed("a text as field 12");
  return {
    settled,
    claimed,
    messages: messages as ByteString[],
    earlierAttempts: earlierAttempts as number[],
    now: integer(reply, 4),
    expiresAt: integer(reply, 5),
    recovered: integer(reply, 6),
    nextDueAt: known(integer(reply, 7)),
    remaining: known(integer(reply, 8)),
    horizon: known(integer(reply, 9)),
    isQuiet: integer(reply, 10) === 1,
    // Redis 6 puts the place in the script before the error's own text.
    problem: problem === "" ? null : new RedisReplyError(problem.replace(/^.*@user_script: ?\d+: ?-?/, "")),
    calls: integer(reply, 12),
  };
}

function known(value: number): number | null {
  return value < 0 ? null : value;
}

function integer(reply: RedisReply[], at: number): number {
  const value = reply[at];
  if (typeof value !== "number") throw malformed(`a number as field ${at + 1}`);
  return value;
}

function isListOf(value: RedisReply | undefined, kind: "string" | "number"): boolean {
  return Array.isArray(value) && value.every((entry) => typeof entry === kind);
}

function malformed(expected: string): RedisProtocolError {
  return new RedisProtocolError(
    `The turn script must return ${expected}; the reply was something else. Nothing was acknowledged on its word; what was claimed returns when its lease ends.`,
  );
}
