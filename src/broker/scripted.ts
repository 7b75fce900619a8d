import { sha1Hex } from "../digest.ts";
import { RedisTooLargeError, RedisTransportError, SpillwayError } from "../errors.ts";
import type { ClaimedMessage } from "../handling/message.ts";
import * as limits from "../limits.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { ByteString } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";
import type { Batch, Broker, ClaimRequest, DrainStats, Settlement, TurnResult } from "./broker.ts";
import { ClaimSize } from "./claim-size.ts";
import { encodeOutcomes, isWhollyAcked, outcomeCodes, partOf } from "./outcome-codes.ts";
import { hasField, numberOf, pipelined, timeIn } from "./replies.ts";
import { shardedListError } from "./sharded-list.ts";
import type { TurnReply } from "./turn-reply.ts";
import type { TurnClaim, TurnPolicy, TurnSettle } from "./turn-request.ts";
import { claimedBatch, turnResult } from "./turn-result.ts";
import { TurnSender, type Turns } from "./turn-sender.ts";
import { scriptedStats } from "./working-lists.ts";

export interface ScriptedBrokerOptions {
  readonly sender: Sender;
  readonly keys: ListKeys;
  /** The name of the drain, with which its batch ids begin. */
  readonly holder: string;
  readonly maxBatchBytes: number;
  readonly maxConcurrency: number;
  readonly policy: TurnPolicy;
  /** Whether to mark the list as busy, so that ticks see that this drain is live. */
  readonly marksBusy: boolean;
  /** What earlier runs of the drain learnt about sizes. Default: nothing. */
  readonly size?: ClaimSize;
  /** Sends turns of another order. Default: first in, first out. */
  readonly turns?: Turns | undefined;
  /** Sends turns where parked messages of an order by key are found: they go back to the list first. Default: they stay. */
  readonly unparking?: (() => Turns) | undefined;
}

/** The engine that keeps every promise: each verb is one run of one script, and every request can be repeated. */
export function scriptedBroker(options: ScriptedBrokerOptions): Broker {
  return new ScriptedBroker(options);
}

class ScriptedBroker implements Broker {
  readonly #sender: Sender;
  readonly #keys: ListKeys;
  readonly #options: ScriptedBrokerOptions;
  #turns: Turns;
  readonly #size: ClaimSize;
  #batchCount = 0;
  /** Until when, on Redis' clock, this drain need not look around again, since it found nothing but itself. */
  #quietUntil = 0;
  /** Whether that look found something that an operator has set. */
  #isTold = false;
  #lastNow = 0;
  /** Until when the list is marked as busy, as the script last said. */
  #busyUntil = 0;
  /** Batches of expired leases that the script has named, to be returned with the next request. */
  #expiredIds: readonly ByteString[] = [];
  /** Batches whose settle was sent and its reply lost. */
  readonly #maybeSettled = new Set<string>();
  /** For batches whose settle was too large: the messages before `end` are left, `size` at a time. */
  readonly #parts = new Map<string, { end: number; size: number; codes: string }>();

  constructor(options: ScriptedBrokerOptions) {
    this.#options = options;
    this.#sender = options.sender;
    this.#keys = options.keys;
    this.#size = options.size ?? new ClaimSize();
    this.#turns = options.turns ?? new TurnSender(options.sender, options.keys);
  }

  async look(isCalled = false, isShard = false): Promise<"empty" | "work" | { readonly busyUntil: number }> {
    const { base, list, delayed, leases, parked, busy } = this.#keys;
    const { marksBusy, unparking } = this.#options;
    // EXISTS counts a key as often as it is named, so that each outweighs those before it together.
    const named = [
      list,
      delayed,
      leases,
      ...Array(4).fill(parked),
      ...Array(marksBusy && !isCalled ? 8 : 0).fill(busy),
      ...Array(isShard ? 0 : 16).fill(`${base}shards`),
    ];
    const found = await numberOf(this.#sender, ["EXISTS", ...named]);
    if (found > 15) throw shardedListError(this.#keys);
    if (found & 4 && unparking) this.#turns = unparking();
    if (found < 8) return found > 0 ? "work" : "empty";
    // A mark that does not expire, or too late, is not from Spillway.
    const [leftMs, time] = await pipelined(this.#sender, [["PTTL", busy], ["TIME"]]);
    const now = timeIn(time);
    const isOurs = typeof leftMs === "number" && leftMs > 0 && leftMs <= limits.leaseMsMax;
    return isOurs && now !== null ? { busyUntil: now + leftMs } : "work";
  }

  claim(request: ClaimRequest): Promise<TurnResult> {
    return this.#turn(null, request);
  }

  turn(settlement: Settlement, request: ClaimRequest): Promise<TurnResult> {
    return this.#turn(settlement, request);
  }

  settle(settlement: Settlement): Promise<TurnResult> {
    return this.#turn(settlement, null);
  }

  async recover(): Promise<TurnResult> {
    const found = await this.#turn(null, null);
    return this.#expiredIds.length === 0 || found.problem ? found : this.#turn(null, null);
  }

  isPaused(): Promise<boolean> {
    return hasField(this.#sender, this.#keys.control, "paused");
  }

  stats(): Promise<DrainStats> {
    return scriptedStats(this.#sender, this.#keys);
  }

  async markDone(batch: Batch, at: number, ttlMs: number): Promise<void> {
    const done = `${this.#keys.base}done:${batch.id}`;
    const raw = (batch.messages[at] as ClaimedMessage).raw;
    // Of a handler that was wrapped it was not known that it makes markers, and the settle must have its request.
    if (!this.#sender.hasRoom) throw new SpillwayError("redis-transport", "No request is left for a marker.");
    // Sent once: it is not worth waiting, since without a marker the message may only run again.
    await this.#sender.pipelineOnce([
      ["HSET", done, at, sha1Hex(raw)],
      ["PEXPIRE", done, ttlMs],
    ]);
  }

  async #turn(settlement: Settlement | null, request: ClaimRequest | null): Promise<TurnResult> {
    if (settlement && this.#parts.has(settlement.batch.id))
      return (await this.#settleInParts(settlement)).result;
    const claim = request && this.#claim(request);
    const settle = settlement && this.#settle(settlement);
    const sentAt = this.#sender.now();
    try {
      let reply = await this.#send(settle, claim, request);
      if (this.#turns.learnsFull(reply.problem)) {
        // The settlement is done, and a repeat would claim nothing: ask only for the claim.
        const retried = await this.#send(null, claim, request);
        const { settled, settledCodes } = reply;
        const deadLetters = [...reply.deadLetters, ...retried.deadLetters];
        reply = { ...retried, settled, settledCodes, deadLetters };
      }
      return this.#result(reply, settlement, claim, sentAt);
    } catch (error) {
      // It is not known what the request has done.
      this.#quietUntil = 0;
      if (settle) this.#maybeSettled.add(settle.id);
      if (claim && error instanceof RedisTransportError) this.#size.halve();
      if (!(error instanceof RedisTooLargeError)) throw error;
      if (claim) return this.#turnSmaller(error, settlement, claim);
      if (settlement) return (await this.#settleInParts(settlement)).result;
      throw error;
    }
  }

  /**
   * The request or its reply was too large, and it is not known which: settle alone, and give back what may have been claimed.
   * The next claim asks for half as much, unless the settle turns out to be what was too large.
   */
  async #turnSmaller(
    error: RedisTooLargeError,
    settlement: Settlement | null,
    { id, countMax }: TurnClaim,
  ): Promise<TurnResult> {
    const settled = settlement && (await this.#settleInParts(settlement));
    const codes = outcomeCodes.releaseAll;
    const released = await this.#send({ id, expiresAt: 0, mayHaveRun: false, codes, details: [] }, null);
    const result = settled ? settled.result : this.#result(released, null, null, 0);
    if (settled?.isSplit) return result;
    this.#size.halve();
    // The settle counts although nothing more can be claimed.
    return countMax > 1 ? result : { ...result, problem: error };
  }

  /**
   * Settles without a claim and, where that is too large, in parts: the last messages first, so that messages go back in their
   * order, and each keeps its place, by which its dead letter is named. Where parts were settled before, it goes on from there.
   */
  async #settleInParts(settlement: Settlement): Promise<{ result: TurnResult; isSplit: boolean }> {
    const settle = this.#settle(settlement);
    const count = settle.codes.length;
    const parts = this.#parts.get(settle.id) ?? { end: count, size: count, codes: "" };
    this.#parts.set(settle.id, parts);
    for (;;) {
      const { end, size } = parts;
      const start = Math.max(0, end - size);
      const reply = await this.#send({ ...settle, ...partOf(settle, start, end) }, null).catch((error) => {
        if (!(error instanceof RedisTooLargeError) || size === 1) throw error;
        parts.size = Math.ceil(size / 2);
      });
      if (!reply) continue;
      const isLost = reply.settled === "lost";
      const isSettled = !isLost && reply.settled !== "nothing";
      if (isSettled) {
        const asSent = settle.codes.slice(start, end).replaceAll(outcomeCodes.overloaded, outcomeCodes.held);
        parts.codes = (reply.settledCodes.slice(start, end) || asSent) + parts.codes;
        parts.end = start;
        if (start > 0 && !reply.problem) continue;
      }
      this.#parts.delete(settle.id);
      // The report counts lost messages as acknowledged first, and subtracts them again.
      const settledCodes = (isLost ? outcomeCodes.ack : outcomeCodes.keep).repeat(parts.end) + parts.codes;
      const result = this.#result({ ...reply, settled: "settled", settledCodes }, settlement, null, 0);
      const lostPlaces = isLost ? [...Array(parts.end).keys()] : [];
      const counts = {
        lostCount: lostPlaces.length,
        lostPlaces,
        unsettledCount: isLost
          ? 0
          : settle.codes.slice(0, parts.end).replaceAll(outcomeCodes.keep, "").length,
      };
      return { result: { ...result, ...counts }, isSplit: parts.size < count };
    }
  }

  #settle(settlement: Settlement): TurnSettle {
    const { id, expiresAt } = settlement.batch;
    return { id, expiresAt, mayHaveRun: this.#maybeSettled.has(id), ...encodeOutcomes(settlement) };
  }

  #claim(request: ClaimRequest): TurnClaim {
    this.#batchCount += 1;
    return {
      id: `${this.#options.holder}.${this.#batchCount}`,
      holdsId: request.holds?.id ?? "",
      leaseMs: request.leaseMs,
      ...this.#size.bounds(request, this.#options.maxBatchBytes),
    };
  }

  #result(
    reply: TurnReply,
    settlement: Settlement | null,
    claim: TurnClaim | null,
    sentAt: number,
  ): TurnResult {
    if (claim) this.#size.learn(reply);
    return turnResult(reply, settlement, claim && claimedBatch(reply, claim, sentAt));
  }

  /** Whether to look around. A drain that is alone and has just found nothing need not do so at every turn. */
  #mustLook(settle: TurnSettle | null): boolean {
    if (settle === null || this.#options.maxConcurrency > 1) return true;
    return this.#lastNow >= this.#quietUntil || !isWhollyAcked(settle.codes);
  }

  async #send(
    settle: TurnSettle | null,
    claim: TurnClaim | null,
    request?: ClaimRequest | null,
  ): Promise<TurnReply> {
    const { holder, policy, maxConcurrency, marksBusy } = this.#options;
    const looks = this.#mustLook(settle);
    const reply = await this.#turns.send({
      holder,
      policy,
      maxConcurrency,
      settle,
      claim,
      recoverIds: this.#expiredIds,
      looks,
      isTold: this.#isTold,
      countsRemaining: claim
        ? request?.countsRemaining === true
        : settle !== null && settle.codes !== outcomeCodes.releaseAll,
      marksBusy: marksBusy ? (request?.isAhead ? "beside" : "yes") : "no",
      busyUntil: this.#busyUntil,
    });
    // A turn that did not ask for the time took no lease, and ends the run.
    this.#lastNow = Math.max(reply.now, this.#lastNow);
    this.#expiredIds = reply.expiredIds;
    this.#busyUntil = reply.busyUntil;
    if (looks || reply.quiet < 0) {
      this.#quietUntil = reply.quiet > 0 ? reply.now + limits.quietMs : 0;
      this.#isTold = reply.quiet === 2;
    }
    return reply;
  }
}
