import * as limits from "../limits.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { ByteString } from "../redis/redis-client.ts";
import type { Full, FullParts } from "./effects.ts";
import { isAckedOnly, outcomeCodes } from "./outcome-codes.ts";

/** What holds for every turn of a drain. */
export interface TurnPolicy {
  /** Attempts of a message at most, crashes counted. */
  readonly maxAttempts: number;
  /** Dead letters to keep at most; 0 for all. */
  readonly deadCountMax: number;
  /** How long dead letters are kept, ms; 0 for ever. */
  readonly deadAgeMsMax: number;
  readonly brake:
    | false
    | {
        /** Different messages that fail in a row before it is on. */
        readonly after: number;
        readonly pauseMs: number;
        readonly maxPauseMs: number;
        /** How long it may be on at most, ms. */
        readonly maxMs: number;
      };
  /** The largest batch; what has been in crashes is claimed in parts of it. */
  readonly batchSize: number;
}

/** One request to the turn script, by names. The script's header says what each argument means. */
export interface TurnRequest {
  readonly holder: string;
  readonly policy: TurnPolicy;
  readonly maxConcurrency: number;
  readonly settle: TurnSettle | null;
  readonly claim: TurnClaim | null;
  /** Batches whose leases have ended, as the script last named them: their messages go back before anything is claimed. */
  readonly recoverIds: readonly ByteString[];
  /** Whether to look at other leases, delayed messages, histories and the brake. */
  readonly looks: boolean;
  /** Where it does not: whether it asks what an operator has told, since there was something. Default: no. */
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
  // A run that may not name done-markers must find that out before its handlers run, not when it settles.
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
 * The script's ARGV, in the order of its header: the only TypeScript that knows the places. `mayHaveRun`: whether an
 * earlier sending of this request may have run.
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
    // Most batches are acknowledged whole, and a code a message would be a fifth of what is sent.
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
    // In one argument, for each costs bytes in every request.
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
      // Only a settle sent again may take a missing lease for its own earlier work.
      mayHaveRun || settle?.mayHaveRun ? 1 : 0,
      claim?.sizeHint ?? 0,
      ...(full?.numbers ?? []),
    ].join(),
    ...(settle?.details ?? []),
    ...(full?.args ?? []),
    ...recoverIds,
  ];
}
