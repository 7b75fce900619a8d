import { RedisProtocolError, RedisReplyError } from "../errors.ts";
import type { ByteString, RedisReply } from "../redis/redis-client.ts";
import type { BatchOrder, Claimed } from "./broker.ts";

/** What the turn script returned, checked. */
export interface TurnReply {
  readonly settled: "nothing" | "settled" | "lost" | "settled-earlier";
  readonly claimed: Claimed;
  readonly messages: readonly ByteString[];
  /** The history of each message; empty where none has failed before. */
  readonly histories: readonly ByteString[];
  readonly now: number;
  readonly expiresAt: number;
  readonly recovered: number;
  readonly nextDueAt: number | null;
  readonly remaining: number | null;
  /** The outcome codes as they were carried out; empty where that is not known. */
  readonly settledCodes: string;
  /** As the script's header says. Above 0: it looked around and found nothing; 2: nothing but what an operator has set. */
  readonly quiet: number;
  readonly problem: RedisReplyError | null;
  readonly calls: number;
  readonly deadLetters: readonly ByteString[];
  readonly busyUntil: number;
  /** Messages of expired leases that had a done-marker. */
  readonly finishedCount: number;
  /** Batches to name in the next request, which returns their messages. */
  readonly expiredIds: readonly ByteString[];
  /** Bytes of the largest message that the claim saw, with those that it left in the list; 0 for none. */
  readonly largest: number;
  /** The order of the batch, where it is not first in, first out. */
  readonly order?: BatchOrder;
  /** Other live drains, and how many of them come before this one; null where nobody looked. */
  readonly others: { readonly count: number; readonly before: number } | null;
}

const settledWords = ["nothing", "settled", "lost", "settled-earlier"] as const;
const claimedWords = [
  "not-served",
  "served",
  "busy",
  "not-served",
  "braked",
  "paused",
  "rate-limited",
  "held",
] as const satisfies readonly Claimed[];
export const turnFieldCount = 20;

/** Reads the script's reply. Throws `RedisProtocolError` where it does not have the shape its header promises. */
export function readTurnReply(reply: RedisReply): TurnReply {
  if (!Array.isArray(reply) || reply.length !== turnFieldCount)
    throw malformed(`an array of ${turnFieldCount} fields`);
  const settled = settledWords[integer(reply, 0)];
  const claimed = claimedWords[integer(reply, 1)];
  if (settled === undefined || claimed === undefined) throw malformed("known words for settled and claimed");
  return {
    settled,
    claimed,
    messages: texts(reply, 2),
    histories: texts(reply, 3),
    now: integer(reply, 4),
    expiresAt: integer(reply, 5),
    recovered: integer(reply, 6),
    nextDueAt: known(integer(reply, 7)),
    remaining: known(integer(reply, 8)),
    settledCodes: text(reply, 9),
    quiet: integer(reply, 10),
    problem: problemIn(reply),
    calls: integer(reply, 12),
    deadLetters: texts(reply, 13),
    busyUntil: integer(reply, 14),
    finishedCount: integer(reply, 15),
    expiredIds: texts(reply, 16),
    largest: integer(reply, 17),
    others: integer(reply, 18) < 0 ? null : { count: integer(reply, 18), before: integer(reply, 19) },
  };
}

function problemIn(reply: RedisReply[]): RedisReplyError | null {
  const problem = text(reply, 11);
  return problem === "" ? null : readRefusal(problem);
}

/** A command that was refused, as an error: `<command> <key>`, and on the next line what Redis said. */
export function readRefusal(problem: ByteString): RedisReplyError {
  const [refused = ""] = problem.split("\n", 1);
  const [, command = "", key = ""] = /^(\S*) (.*)$/s.exec(refused) ?? [];
  const said = problem.slice(refused.length + 1);
  // A script is not told which command it is that the server does not know.
  const words = /unknown redis command/i.test(said) ? `ERR unknown command ${command}`.trim() : said;
  return new RedisReplyError(words, command ? { command: [command, key] } : {});
}

function known(value: number): number | null {
  return value < 0 ? null : value;
}

function integer(reply: RedisReply[], at: number): number {
  const value = reply[at];
  if (typeof value !== "number") throw malformed(`a number as field ${at + 1}`);
  return value;
}

function text(reply: RedisReply[], at: number): string {
  const value = reply[at];
  if (typeof value !== "string") throw malformed(`a text as field ${at + 1}`);
  return value;
}

function texts(reply: RedisReply[], at: number): ByteString[] {
  const values = reply[at];
  if (!Array.isArray(values) || !values.every((value) => typeof value === "string"))
    throw malformed(`a list of texts as field ${at + 1}`);
  return values as ByteString[];
}

function malformed(expected: string): RedisProtocolError {
  return new RedisProtocolError(
    `The turn script must return ${expected}; the reply was something else. No message is lost: those that it claimed return to the list when their lease ends.`,
  );
}
