import * as limits from "../limits.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { ByteString } from "../redis/redis-client.ts";
import type { Full, FullParts } from "./effects.ts";
import { isAckedOnly, outcomeCodes } from "./outcome-codes.ts";

/** Settings that hold for every turn of a drain. */
export interface TurnPolicy {
  /** How many attempts a message gets, crashes included. */
  readonly maxAttempts: number;
  /** Dead letters to keep at most; 0 for all. */
  readonly deadCountMax: number;
  /** How long dead letters are kept, ms; 0 for ever. */
  readonly deadAgeMsMax: number;
  readonly brake:
    | false
    | {
        /** How many different messages must fail in a row to set it. */
        readonly after: number;
        readonly pauseMs: number;
        readonly maxPauseMs: number;
        /** How long it may be on at most, ms. */
        readonly maxMs: number;
      };
  /** The largest batch. Messages that were in crashes are claimed in parts of it. */
  readonly batchSize: number;
}

/** One request to the turn script, by names. The script's header says what each argument means. */
export interface TurnRequest {
  readonly holder: string;
  readonly policy: TurnPolicy;
  readonly maxConcurrency: number;
  readonly settle: TurnSettle | null;
  readonly claim: TurnClaim | null;
  /** Batches whose leases have ended, as the script last named them. Their messages go back before anything is claimed. */
  readonly recoverIds: readonly ByteString[];
  /** Whether to look at other leases, delayed messages, histories and the brake. */
  readonly looks: boolean;
  /** Where it does not look: whether it still reads what an operator has set, since there was something. Default: no. */
  readonly isTold?: boolean;
  readonly countsRemaining: boolean;
  /** Whether to mark the list as busy for ticks; `beside` where this drain works on a batch that the request does not name. */
  readonly marksBusy: "no" | "yes" | "beside";
  /** What the script last answered as `busyUntil`. */
  readonly busyUntil: number;
}

/** The batch to settle. */
export interface TurnSettle {
  readonly id: string;
  /** When its lease ends, ms on Redis' own clock. */
  readonly expiresAt: number;
  /** Whether an earlier request may have settled it. */
  readonly mayHaveRun: boolean;
  /** Of `outcome-codes.ts`, one a message. */
  readonly codes: string;
  readonly details: readonly (ByteString | number)[];
  /** Where it is `turnFull` that must settle it. */
  readonly full?: Full | undefined;
}

/** The batch to claim. */
export interface TurnClaim {
  readonly id: string;
  /** Batch that must still be leased, or empty. */
  readonly holdsId: string;
  readonly leaseMs: number;
  readonly countMax: number;
  readonly bytesMax: number;
  /** Bytes of the largest message seen lately; 0 not known. */
  readonly sizeHint: number;
}

const marks = { no: 0, yes: 1, beside: 2 };

/** The script's KEYS, in the order of its header: every key that it may touch. */
export function turnKeys(
  keys: ListKeys,
  { settle, claim, recoverIds }: TurnRequest,
  full?: FullParts,
): ByteString[] {
  const { list, leases, attempts, delayed, dead, brake, busy, control, base } = keys;
  const working = (id: ByteString): ByteString => `${base}working:${id}`;
  const both = (id: ByteString): ByteString[] => [working(id), `${base}done:${id}`];
  const settled = settle ? (!full && isAckedOnly(settle.codes) ? [working(settle.id)] : both(settle.id)) : [];
  // A user without the right to done-markers must get that error before handlers run, not at the settle.
  const claimed = claim ? (settle ? [working(claim.id)] : both(claim.id)) : [];
  const recovered = recoverIds.flatMap(both);
  return [
    list,
    leases,
    attempts,
    delayed,
    dead,
    brake,
    busy,
    control,
    ...settled,
    ...claimed,
    ...recovered,
    ...(full?.keys ?? []),
  ];
}

/**
 * The script's ARGV, in the order of its header. No other TypeScript knows these places. `mayHaveRun`: whether an earlier
 * sending of this request may have run.
 */
export function encodeTurnRequest(
  request: TurnRequest,
  mayHaveRun: boolean,
  full?: FullParts,
): (ByteString | number)[] {
  const { settle, claim, policy, marksBusy, busyUntil, recoverIds } = request;
  const brake = policy.brake || { after: 0, pauseMs: 0, maxPauseMs: 0, maxMs: 0 };
  return [
    recoverIds.length,
    settle?.id ?? "",
    settle?.expiresAt ?? 0,
    // Most batches are acknowledged as a whole, and one code for each message would be a fifth of the request.
    settle && !full && isAckedOnly(settle.codes) ? outcomeCodes.ackAll : (settle?.codes ?? ""),
    claim?.id ?? "",
    request.holder,
    claim?.holdsId ?? "",
    claim?.leaseMs ?? 0,
    claim?.countMax ?? 0,
    claim?.bytesMax ?? 0,
    request.maxConcurrency,
    request.looks ? 1 : request.isTold ? 2 : 0,
    limits.recoverCountMax,
    limits.promoteCountMax,
    request.countsRemaining ? 1 : 0,
    // Joined to one argument, since each argument costs bytes in every request.
    [
      policy.maxAttempts,
      policy.deadCountMax,
      policy.deadAgeMsMax,
      brake.after,
      brake.pauseMs,
      brake.maxPauseMs,
      brake.maxMs,
      limits.heldCountMax,
      policy.batchSize,
      marks[marksBusy],
      busyUntil,
      limits.leaseMsMax,
      limits.recoverLeasesMax,
      // Only a repeated settle may take a missing lease for its own earlier work.
      mayHaveRun || settle?.mayHaveRun ? 1 : 0,
      claim?.sizeHint ?? 0,
      ...(full?.numbers ?? []),
    ].join(),
    ...(settle?.details ?? []),
    ...(full?.args ?? []),
    ...recoverIds,
  ];
}
