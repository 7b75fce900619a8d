import { brakeLua } from "./brake.ts";
import { busyMarkLua } from "./busy-mark.ts";
import { claimLua } from "./claim.ts";
import { codesLua } from "./codes.ts";
import { commandsLua } from "./commands.ts";
import { companyLua } from "./company.ts";
import { controlLua } from "./control.ts";
import { deadLettersLua } from "./dead-letters.ts";
import { historyLua } from "./history.ts";
import { leasesLua } from "./leases.ts";
import { popLua } from "./pop.ts";
import { promoteLua } from "./promote.ts";
import { recoverLua } from "./recover.ts";
import { replyLua, returnLua } from "./reply.ts";
import { requestLua } from "./request.ts";
import { runLua } from "./run.ts";
import { settleLua } from "./settle.ts";
import { timeLua } from "./time.ts";
import { waitingLua } from "./waiting.ts";

/**
 * The one script of the scripted engine: settle a batch, look around, claim the next batch. Every verb of the broker is this
 * script with some parts left out, so that each is atomic, each can be repeated, and a whole turn is one request. Its parts stand in
 * the files beside this one, one idea each. Their comments are TypeScript, so that none is sent to Redis. `run.ts` calls the parts in
 * their order.
 *
 * KEYS, every key that it may touch; `turn-request.ts` names them
 *   1  list       list   what producers push
 *   2  leases     zset   batch id → expiry, ms on Redis' own clock; behind the point, where more drains than one may be live, the
 *                        number of the claim, in steps of 1/2048
 *   3  attempts   hash   histories of messages in the list, by SHA-1 of the payload: of one copy `<SHA-1>` → history; of more
 *                        `<SHA-1>` → `<first>:<last>`, and `<SHA-1>:<n>` → history for each n from first to last.
 *                        Batch id → histories of its messages
 *   4  delayed    zset   `<unique id>:<payload>` → due time, ms on Redis' own clock
 *   5  dead       list   dead letters, the newest leftmost: a line of JSON, then the payload
 *   6  brake      hash   since, until, pauses, probe while it is on, and which settle it changed how (settled, as); before
 *                        that, SHA-1 → 1 of messages failing in a row
 *   7  busy       string there while maxConcurrency drains are live, for as long as all their leases run; only where marksBusy
 *   8  control    hash   what an operator has set: paused; limit and windowMs (messages that may be claimed in so many ms),
 *                        with endsAt and used of the window that runs
 *   9… working    list   of the batch to settle, then its done-markers (hash) unless its outcomes are `+`; of the batch to
 *                        claim, with its done-markers where nothing is to settle, so that a refusal of such keys is met
 *                        before a handler runs; of each batch to recover, with its done-markers. All share one slot.
 *
 *   A history says what one message has been through: `<attempts>.<crashes>.<times the brake held it back>@<first
 *   failure, ms>`; several are joined by commas, and an empty one stands for a message that never failed. A retry
 *   carries its history in its unique id, after `!`; the id begins so that equal due times keep their order.
 *
 * ARGV, which `turn-request.ts` writes and `request.ts` reads. What it cannot read ends the script, by the error
 * `SPILLWAY cannot read argument <n>`, before the first write
 *   1  recoverCount     batches to recover, named last
 *   2  settleId         batch to settle, or empty
 *   3  settleExpiresAt  ms, when that batch's lease ends, as its claim said
 *   4  outcomes         one code a message, in the order claimed, for every message the working list holds; `+` is
 *                       a for all of them, `*` is r. `outcome-codes.ts` says what each code means
 *   5  claimId          batch to claim, or empty; `<holder>.<n>`
 *   6  holder           the drain that asks; its leases share one slot of maxConcurrency
 *   7  holdsId          batch that must still be leased for a claim without a settle to be served, or empty
 *   8  leaseMs          ms the new lease runs
 *   9  countMax         messages to claim at most
 *  10  bytesMax         bytes to claim at most; one message is always claimed, however large
 *  11  maxConcurrency   live drains of this list at most
 *  12  inspect          1: look at the other leases, the delayed set, the histories, the brake and KEYS 8; 0: skip them (a
 *                       quiet, lone drain); 2: all but KEYS 8. Without a settle, or with one that is not all acks, the script looks anyway
 *  13  recoverMax       no other expired lease is recovered after this many messages; the claim is then not served
 *  14  promoteMax       due delayed messages to promote at most
 *  15  countRemaining   1: tell how many messages the list holds at the end
 *  16  policy           numbers joined by commas: maxAttempts, deadCountMax (0 none), deadAgeMsMax (0 none), brakeAfter
 *                       (0 no brake), brakePauseMs, brakePauseMsMax, brakeMsMax, heldMax, batchSize, marksBusy (1: a
 *                       tick is to find a live chain in one request; 2: and this drain works on a batch beside
 *                       those named here), busyUntil (what this drain last got as 15), leaseMsMax (a lease that ends later
 *                       has ended: the clock stepped back), recoverLeasesMax (leases to recover, or to name, at most),
 *                       mayHaveRun (1: an earlier sending of this settle may have run), sizeHint (bytes of the largest
 *                       message that this drain saw lately, 0 not known)
 *  17… details          one for each f, w, x, d and o, in the order of outcomes. f w: delay, ms · x d: the rest of the
 *                       dead letter's JSON · o: `<until, ms, or 0> <f or x> <what that code wants>`
 *      recoverIds       the batches to recover
 *
 * Returns, from `reply.ts` to `turn-reply.ts`
 *   1  settled      0 nothing asked, or refused, see 12 · 1 settled now · 2 the lease was lost · 3 settled by an earlier
 *                   sending of this request
 *   2  claimed      0 nothing asked, or not served: lease lost, settled earlier, or more to recover, see 17 · 1 served
 *                   (perhaps with no message) · 2 busy · 3 failed, see 12 · 4 braked · 5 paused · 6 limited
 *   3  messages     payloads in the order claimed
 *   4  histories    of each of them; empty where none has any
 *   5  now          ms, Redis' own clock; 0 where nobody looked
 *   6  expiresAt    ms: end of the claimed batch's lease
 *   7  recovered    messages returned from expired leases
 *   8  nextDueAt    ms: when the next delayed message is due or, if braked, the next probe or, if limited, the next window or, if busy, the first of the
 *                   live leases ends; -1 none or not looked at
 *   9  remaining    messages in the list, -1 not known
 *  10  settledAs    the outcomes as they were carried out, which a brake or a refusal changes; empty where that is not known
 *  11  quiet        1: looked around and found no other lease, nothing delayed, no histories, no brake · 2: the same, except for
 *                   what an operator has set · -1: what was found before may no longer be so: messages were parked, or an
 *                   earlier sending of this request may have parked some · 0: otherwise
 *  12  problem      the first command that was refused, `<command> <key>`, and on the next line the error; empty if none
 *  13  calls        Redis commands this script ran, itself not counted
 *  14  deadLetters  dead letters made of messages that crashed too often
 *  15  busyUntil    ms: until when KEYS 7 is set for this drain, 0 not set
 *  16  finished     messages of expired leases that their done-markers say are done
 *  17  expiredIds   batches of expired leases to name in the next request, the newest first
 *  18  largest      bytes of the largest message that the claim saw, whether it took it or not
 *  19  others       other live drains, -1 not looked at
 *  20  before       those of them whose names come before the holder's
 *
 * Cost
 *   A quiet turn of wholly acknowledged messages: ZREM DEL RPOP TIME ZADD LPUSH, six commands; of more than 20 messages a
 *   LINDEX more in every second turn, and an RPOP for each 34 of them, or for fewer where bytes or sizes that vary say so.
 *   One that finds the list empty: ZREM DEL RPOP. Looking around: TIME ZRANGE EXISTS more. Marking a chain: SET and DEL more,
 *   once a run, and a SET a second where leases end before the run does. Recovering costs one request more.
 *
 * Invariant
 *   A message is in exactly one place at the end of every run, whichever command is refused: pushes come before removals,
 *   and `commands.ts` undoes the one where the other is refused. A server that refuses all writes (it is full, or a replica)
 *   refuses the first one, when nothing has moved.
 */
export const turnScript = [
  codesLua,
  requestLua,
  commandsLua,
  timeLua,
  replyLua,
  historyLua,
  waitingLua,
  deadLettersLua,
  brakeLua,
  settleLua,
  popLua,
  recoverLua,
  promoteLua,
  companyLua,
  controlLua,
  claimLua,
  leasesLua,
  busyMarkLua,
  runLua,
  returnLua,
]
  .join("")
  .trim();

/** The same script, for a server at `maxmemory` (Redis 7 and newer know the flag): what it moves needs no memory. */
export const turnScriptWhenFull = `#!lua flags=allow-oom\n${turnScript}`;
