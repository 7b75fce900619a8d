import type { Batch, Settlement, TurnResult } from "./broker.ts";
import { readHistory } from "./history.ts";
import { decodeSettled } from "./outcome-codes.ts";
import type { TurnReply } from "./turn-reply.ts";
import type { TurnClaim } from "./turn-request.ts";

/** The batch that a turn has claimed; null where it claimed none. `sentAt`: when its request was sent, on the drain's clock. */
export function claimedBatch(reply: TurnReply, claim: TurnClaim, sentAt: number): Batch | null {
  const { messages, histories, expiresAt, order } = reply;
  if (messages.length === 0) return null;
  return {
    id: claim.id,
    messages: messages.map((raw, at) => ({ raw, ...readHistory(histories[at]) })),
    expiresAt,
    leaseEndsAt: sentAt + claim.leaseMs,
    order,
  };
}

/** What a turn of the script did, in the words of the port. */
export function turnResult(reply: TurnReply, settlement: Settlement | null, batch: Batch | null): TurnResult {
  const count = settlement?.outcomes.length ?? 0;
  return {
    lostCount: reply.settled === "lost" ? count : 0,
    unsettledCount: reply.settled === "nothing" ? count : 0,
    claim: reply.claimed,
    batch,
    recovered: reply.recovered,
    finishedCount: reply.finishedCount,
    nextDueAt: reply.nextDueAt,
    remaining: reply.remaining,
    others: reply.others,
    settledAs: decodeSettled(reply.settledCodes, settlement),
    deadLetters: reply.deadLetters,
    now: reply.now,
    problem: reply.problem,
  };
}
