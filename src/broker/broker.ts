import type { RedisReplyError, RedisTooLargeError } from "../errors.ts";
import type { ClaimedMessage } from "../handling/message.ts";
import type { Outcome, SettledAs } from "../handling/outcome.ts";
import type { ByteString } from "../redis/redis-client.ts";

/** Messages claimed together, under one lease. */
export interface Batch {
  readonly id: string;
  /** In the order claimed: the oldest first. */
  readonly messages: readonly ClaimedMessage[];
  /** When the lease ends, ms on Redis' own clock. */
  readonly expiresAt: number;
  /** The same on the drain's clock. It is counted from before the request was sent, so it is never too late. */
  readonly leaseEndsAt: number;
  /** The order in which its messages run, where it is not first in, first out. */
  readonly order?: BatchOrder | undefined;
}

/** In which order the messages of a batch run. */
export interface BatchOrder {
  /** Places of messages, line by line. Those of a line run one after the other, and after one that is not done no other of its line runs. Lines may share an iterator. */
  readonly lines: readonly Iterable<number>[];
  /** Whether a line goes on after a message that is not done. */
  readonly isLoose?: boolean;
  /** By place: why a message's key could not be read. The message fails with this error. */
  readonly faults: ReadonlyMap<number, { readonly error: unknown }>;
}

/** The outcome of each message of a batch, in the batch's order. */
export interface Settlement {
  readonly batch: Batch;
  readonly outcomes: readonly Outcome[];
  /** Which of the messages may have a done-marker, which the settle then removes. */
  readonly isMarked: readonly boolean[];
}

export interface ClaimRequest {
  /** How many messages to claim at most. */
  readonly countMax: number;
  readonly leaseMs: number;
  /** A batch of this drain that must still be leased, or the claim is not served, so that a late repeat claims nothing. */
  readonly holds?: Batch | undefined;
  /** Whether this drain works on another batch meanwhile. */
  readonly isAhead?: boolean;
  /** Whether to count what remains, even if that costs one command more. Scripted engine only. */
  readonly countsRemaining?: boolean | undefined;
}

/** Whether a claim was served, perhaps with no message, or why not: other drains, the brake, an operator or the order. */
export type Claimed = "not-served" | "served" | "busy" | "braked" | "paused" | "rate-limited" | "held";

/** What a request did. Busy, empty and lost are results, not errors. */
export interface TurnResult {
  /** Messages of the settlement that were no longer this drain's. */
  readonly lostCount: number;
  /** Their places, where only some messages were lost. */
  readonly lostPlaces?: readonly number[];
  readonly claim: Claimed;
  /** Null where nothing was claimed. */
  readonly batch: Batch | null;
  /** Messages of the settlement that could not be settled, because Redis refused it: they stay leased. */
  readonly unsettledCount: number;
  /** Messages returned from expired leases. */
  readonly recovered: number;
  /** Messages of expired leases that had a done-marker, and so were acknowledged. */
  readonly finishedCount: number;
  /**
   * When the next delayed message is due or, while the brake is on, the next probe may run or, where all slots are taken, the
   * first lease ends, epoch ms; null if there is none, or nobody looked.
   */
  readonly nextDueAt: number | null;
  /** Messages left in the list; null where they were not counted. */
  readonly remaining: number | null;
  /** Other live drains, and how many of them come before this one; null or absent where nobody looked. */
  readonly others?: { readonly count: number; readonly before: number } | null;
  /** How each outcome was carried out, which the brake may change; null where nothing was settled or it is not known. */
  readonly settledAs: readonly SettledAs[] | null;
  /** Dead letters, as the list holds them, of messages that crashed too often. */
  readonly deadLetters: readonly ByteString[];
  /** Redis' own clock, ms. */
  readonly now: number;
  /** The error of the claim, where the settlement had been done before it. */
  readonly problem: RedisReplyError | RedisTooLargeError | null;
}

export interface DrainStats {
  /** Messages waiting in the list. */
  readonly list: number;
  /** Messages in working lists. */
  readonly working: number;
  /** Leases, live and expired. */
  readonly leases: number;
  readonly delayed: number;
  readonly dead: number;
  /** With an order by key: messages that wait for others of their key, or for their next attempt. */
  readonly parked: number;
  /** Keys that have such messages. */
  readonly parkedKeys: number;
  /** When the next delayed message is due, epoch ms. */
  readonly nextDueAt: number | null;
  /** Whether the list is paused. */
  readonly paused: boolean;
  /** While the brake is on: when the next probe may run, epoch ms; null while it is off. Of several lists: only while all are braked. */
  readonly brakedUntil: number | null;
}

/**
 * What one drain can do to a list. Each verb is one request, unless a reply is lost: the scripted engine then repeats it, which
 * is safe for each of them. Errors: `RedisTransportError`, `RedisReplyError`, `RedisProtocolError`.
 */
export interface Broker {
  /**
   * Whether there may be work, or until when (epoch ms) other drains do it. Costs one command, and two more where others do;
   * writes nothing, and a lost reply does no harm. `isCalled`: the drain was called for this work, so it does not ask about
   * others. `isShard`: the list is a shard, or has shards that are drained too. Throws for a list with shards where that is false.
   */
  look(
    isCalled?: boolean,
    isShard?: boolean,
  ): Promise<"empty" | "work" | "paused" | { readonly busyUntil: number }>;
  /** Moves up to `countMax` messages into a working list under a lease, atomically. A repeat returns the same batch. */
  claim(request: ClaimRequest): Promise<TurnResult>;
  /** Settles one batch and claims the next, atomically. A repeat settles nothing twice and returns the same batch. */
  turn(settlement: Settlement, request: ClaimRequest): Promise<TurnResult>;
  /** Settles, claims nothing, and tells how many messages remain. A repeat changes nothing. */
  settle(settlement: Settlement): Promise<TurnResult>;
  /** Returns messages of expired leases, bounded. A repeat finds fewer. */
  recover(): Promise<TurnResult>;
  /** Whether the list is paused, by one command, sent once. */
  isPaused(): Promise<boolean>;
  /** Notes for `ttlMs` that one message of a batch is done, in case the batch is recovered. A repeat changes nothing. The plain engine cannot. */
  markDone?: ((batch: Batch, at: number, ttlMs: number) => Promise<void>) | undefined;
  /** Reads the sizes of everything. May be stale where Redis reads from replicas. */
  stats(): Promise<DrainStats>;
}
