import { brakeLua } from "../turn/brake.ts";
import { busyMarkLua } from "../turn/busy-mark.ts";
import { codesLua } from "../turn/codes.ts";
import { commandsLua } from "../turn/commands.ts";
import { companyLua } from "../turn/company.ts";
import { deadLettersLua } from "../turn/dead-letters.ts";
import { historyLua } from "../turn/history.ts";
import { leasesLua } from "../turn/leases.ts";
import { popLua } from "../turn/pop.ts";
import { promoteLua } from "../turn/promote.ts";
import { replyLua } from "../turn/reply.ts";
import { makeRequestLua } from "../turn/request.ts";
import { timeLua } from "../turn/time.ts";
import { waitingLua } from "../turn/waiting.ts";
import { effectsLua, effectsRequest } from "../turn-full/effects.ts";
import { claimInOrderLua, controlInOrderLua } from "./claim-by-key.ts";
import { linesLua } from "./lines.ts";
import { orderRequestLua } from "./order-request.ts";
import { patched, sealed } from "./patched.ts";
import { returnInOrderLua, runInOrderLua } from "./run-in-order.ts";
import { recoverInOrderLua, settleInOrderLua } from "./settle-in-order.ts";

const effectsInOrderLua =
  "\nlocal refused = {}\n" +
  sealed(
    patched(effectsLua, [
      "typesKnown, refusals, refused, failedThere = false, {}, {}, {}, {}",
      "typesKnown, refusals, failedThere = false, {}, {}, {}",
    ]),
    ["runEffects", "keepRefused", "recallRefused"],
  );

/**
 * The script of `../turn-full/index.ts` with parts replaced, for drains with `order`. What is said there holds here too, but a
 * request without effects leaves out their two numbers.
 *
 * KEYS, behind the others
 *   parked  zset    `<key>:<place>:<history>:<payload>`, all scores 0: messages that wait in the line of their key, which is
 *                   the first 16 digits of its SHA-1; places are numbers of 16 digits
 *   due     zset    key → ms, when a drain is to look at its line: there exactly while the line has messages
 *   lines   hash    key → the batch that holds it · batch id → the keys of its messages, each in 16 characters, `-` for none ·
 *                   first, last: how many places were given in front of all and behind all
 *   held    string  strict order: there, with an end, while the list's first message waits for its next attempt
 *   rates   hash    key → messages of it that were claimed in the window that runs; endsAt: when that ends, as the key does.
 *                   Where control holds keyLimit and keyWindowMs (messages of one key that may be claimed in so many ms);
 *                   keyInFlight is how many may be in one batch. The line of a key that has reached its limit is due half a
 *                   millisecond after the window
 *
 * ARGV, behind the others
 *   order  `<mode>,<parkedMax>,<count>,<print>,<keys>,<settleKeys>`: mode f fifo, s strict, k by key, c by key without an order; parkedMax messages may
 *          be parked; the claim may take the list's last `count` messages if their print is this, and these are their keys;
 *          the keys of the batch to settle, where the drain knows them and all are acknowledged
 *
 * Returns, behind the others
 *   21 the keys of the claimed batch · 22 places, from 1, of those shown before that were claimed: they come after the
 *   messages of field 3, and their payloads are not sent again · 23 what the list ends with now, the oldest first · 24 the
 *   print of each beginning of that, 16 characters each · 25 how many of those shown before have left the list
 *
 *   last, as `../turn-full/index.ts` says: what Redis refused of effects
 *
 * Cost by key: HGET or nothing, HDEL, HMGET, HSET and an LRANGE for each 34 messages more than the lean turn, one RPOP
 * instead of one for each 34. Where messages are parked: ZADD, ZRANGEBYSCORE, HMGET, and a ZRANGEBYLEX for each line.
 * With a limit per key: HMGET of control, HMGET and HSET of rates, one HMGET more where lines are due.
 *
 * Invariant by key: a key is held by at most one batch, in `lines`, and only while that batch has a lease; a line with
 * messages stands in `due`. What is claimed and what is parked is decided in the step that takes it from the list.
 */
export const turnOrderScript = [
  orderRequestLua,
  codesLua,
  patched(makeRequestLua(effectsRequest), [
    "check(#policy == 17, 16)",
    "check(#policy == 15 or #policy == 17, 16)",
  ]),
  patched(commandsLua, [
    "ZRANGEBYSCORE = 1 }",
    "ZRANGEBYSCORE = 1, ZRANGEBYLEX = 1, ZMSCORE = 1, ZCARD = 1, PTTL = 1 }",
  ]),
  timeLua,
  replyLua,
  historyLua,
  linesLua,
  sealed(waitingLua, ["noteWaiting", "takeHistories"]),
  deadLettersLua,
  brakeLua,
  effectsInOrderLua,
  settleInOrderLua,
  popLua,
  recoverInOrderLua,
  sealed(promoteLua, ["noteNextDue", "promote"]),
  sealed(companyLua, ["fitting"]),
  controlInOrderLua,
  claimInOrderLua,
  leasesLua,
  busyMarkLua,
  runInOrderLua,
  returnInOrderLua,
]
  .join("")
  .trim();

/** The same script, for a server at `maxmemory`. */
export const turnOrderScriptWhenFull = `#!lua flags=allow-oom\n${turnOrderScript}`;
