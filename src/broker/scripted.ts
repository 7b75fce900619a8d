import type { Batch, Broker, ClaimRequest, DrainStats, Settlement, TurnResult } from "../broker.ts";
import { sha1Hex } from "../digest.ts";
import { RedisProtocolError, RedisReplyError, RedisTooLargeError } from "../errors.ts";
import type { ListKeys } from "../keys.ts";
import { limits } from "../limits.ts";
import type { ClaimedMessage } from "../message.ts";
import type { ByteString, RedisReply } from "../redis-client.ts";
import type { Sender } from "../sender.ts";
import { evaluate } from "./evaluate.ts";
import { decodeSettled, encodeOutcomes } from "./outcome-letters.ts";
import { readFare } from "./record.ts";
import { adoptScript } from "./scripts/adopt.ts";
import { turnScript, turnScriptWhenFull } from "./scripts/turn.ts";
import { readTurnReply, type TurnReply } from "./turn-reply.ts";

type ScriptArgument = ByteString | number;

const whenNot = { source: turnScript, sha: sha1Hex(turnScript) };

const whenFull = { source: turnScriptWhenFull, sha: sha1Hex(turnScriptWhenFull) };

const adoptLists = { source: adoptScript, sha: sha1Hex(adoptScript) };

export interface ScriptedBrokerOptions {
  readonly sender: Sender;
  readonly keys: ListKeys;
  /** Names the drain; the prefix of its batch ids. */
  readonly holder: string;
  readonly maxBatchBytes: number;
  readonly maxConcurrency: number;
  /** The script's policy argument, but for its last two numbers. */
  readonly policy: string;
  /** Whether ticks are to be told that this drain is live. */
  readonly marksBusy: boolean;
}

/** The engine that keeps every promise: each verb is one run of one script, and every request can be repeated. */
export function scriptedBroker(options: ScriptedBrokerOptions): Broker {
  return new ScriptedBroker(options);
}

class ScriptedBroker implements Broker {
  readonly #sender: Sender;
  readonly #keys: ListKeys;
  readonly #options: ScriptedBrokerOptions;
  #batchCount = 0;
  #isServerFull = false;
  /** Until when, on Redis' clock, a look around that found nothing but this drain still counts. */
  #quietUntil = 0;
  #lastNow = 0;
  /** What the script last said of its mark that no more drains may come. */
  #busyUntil = 0;
  /** Bytes cut the last claim to this many messages; the next one asks for no more than twice as many. */
  #countThatFitted = Number.POSITIVE_INFINITY;

  constructor(options: ScriptedBrokerOptions) {
    this.#options = options;
    this.#sender = options.sender;
    this.#keys = options.keys;
  }

  async look(): Promise<"empty" | "busy" | "work"> {
    const { list, delayed, leases, busy } = this.#keys;
    // A key named four times counts four times, and so outweighs the others together.
    const found = await this.#sender.command(() => ["EXISTS", list, delayed, leases, busy, busy, busy, busy]);
    if (typeof found !== "number")
      throw new RedisProtocolError(`EXISTS must answer a number; got ${typeof found}.`);
    if (found >= 4) return "busy";
    return found > 0 ? "work" : "empty";
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

  recover(): Promise<TurnResult> {
    return this.#turn(null, null);
  }

  async stats(): Promise<DrainStats> {
    const { list, leases, delayed, dead, base } = this.#keys;
    const [waiting, ids, delayedCount, deadCount, next] = await this.#read([
      ["LLEN", list],
      ["ZRANGE", leases, 0, -1],
      ["ZCARD", delayed],
      ["LLEN", dead],
      ["ZRANGE", delayed, 0, 0, "WITHSCORES"],
    ]);
    const batchIds = (ids as ByteString[]) ?? [];
    const lengths =
      batchIds.length > 0 ? await this.#read(batchIds.map((id) => ["LLEN", `${base}working:${id}`])) : [];
    const due = (next as ByteString[])[1];
    return {
      list: Number(waiting),
      working: lengths.reduce<number>((sum, length) => sum + Number(length), 0),
      leases: batchIds.length,
      delayed: Number(delayedCount),
      dead: Number(deadCount),
      nextDueAt: due === undefined ? null : Number(due),
    };
  }

  async #read(commands: [string, ...(string | number)[]][]): Promise<RedisReply[]> {
    const replies = await this.#sender.pipeline(commands);
    return replies.map((reply) => {
      if (reply instanceof RedisReplyError) throw reply;
      return reply;
    });
  }

  async adopt(cursor: string): Promise<{ cursor: string; adopted: number }> {
    const { base, leases } = this.#keys;
    const prefix = `${base}working:`;
    const [[seconds], found] = (await this.#read([
      ["TIME"],
      ["SCAN", cursor, "MATCH", `${escapeGlob(prefix)}*`, "COUNT", limits.scanCount, "TYPE", "list"],
    ])) as [ByteString[], [ByteString, ByteString[]]];
    const [next, keys] = found;
    if (keys.length === 0) return { cursor: next, adopted: 0 };
    const endsAt = Number(seconds) * 1_000 + limits.adoptAfterMs;
    const ids = keys.map((key) => key.slice(prefix.length));
    const adopted = await evaluate(this.#sender, adoptLists, [leases, ...keys], () => [endsAt, ...ids]);
    return { cursor: next, adopted: Number(adopted) };
  }

  async markDone(batch: Batch, at: number, ttlMs: number): Promise<void> {
    const done = `${this.#keys.base}done:${batch.id}`;
    const raw = (batch.messages[at] as ClaimedMessage).raw;
    // Sent once: a marker is worth no wait, for without it the message only may run again.
    await this.#sender.pipelineOnce([
      ["HSET", done, at, sha1Hex(raw)],
      ["PEXPIRE", done, ttlMs],
    ]);
  }

  async #turn(settlement: Settlement | null, request: ClaimRequest | null): Promise<TurnResult> {
    const batchId = request ? this.#nextBatchId() : "";
    const sentAt = this.#sender.now();
    try {
      let reply = await this.#send({ settlement, request, batchId });
      if (reply.problem?.prefix === "OOM" && !this.#isServerFull) {
        // The settlement is done, and repeating it would say so and claim nothing: ask for the claim alone.
        this.#isServerFull = true;
        const retried = await this.#send({ settlement: null, request, batchId });
        const { settled, settledLetters } = reply;
        reply = {
          ...retried,
          settled,
          settledLetters,
          deadLetters: [...reply.deadLetters, ...retried.deadLetters],
        };
      }
      return this.#result(reply, { settlement, request, batchId, sentAt });
    } catch (error) {
      if (!(error instanceof RedisTooLargeError) || request === null) throw error;
      return this.#turnSmaller(error, settlement, request, batchId);
    }
  }

  /**
   * The batch was too large for the request or for the reply, and which is not known: settle alone, give back what may
   * have been claimed, and claim half as much.
   */
  async #turnSmaller(
    error: RedisTooLargeError,
    settlement: Settlement | null,
    request: ClaimRequest,
    tooLargeId: string,
  ): Promise<TurnResult> {
    const sentAt = this.#sender.now();
    const asked = this.#countMax(request);
    const first = await this.#send({ settlement, request: null, batchId: "", mayHaveRun: true });
    await this.#send({ settlement: null, request: null, batchId: "", giveBackId: tooLargeId });
    const asAlone = this.#result(first, { settlement, request: null, batchId: "", sentAt });
    // What was settled is settled, and counts, although nothing more can be claimed.
    if (asked <= 1) return { ...asAlone, problem: error };
    this.#countThatFitted = Math.floor(asked / 2) / 2;
    const next = await this.#turn(null, request);
    const { lostCount, settledAs } = asAlone;
    const deadLetters = [...first.deadLetters, ...next.deadLetters];
    return { ...next, lostCount, settledAs, recovered: first.recovered + next.recovered, deadLetters };
  }

  #nextBatchId(): string {
    this.#batchCount += 1;
    return `${this.#options.holder}.${this.#batchCount}`;
  }

  #result(
    reply: TurnReply,
    asked: { settlement: Settlement | null; request: ClaimRequest | null; batchId: string; sentAt: number },
  ): TurnResult {
    const { settlement, request, batchId, sentAt } = asked;
    const wasCut =
      request !== null &&
      reply.messages.length > 0 &&
      reply.messages.length < this.#countMax(request) &&
      (reply.remaining ?? 0) > 0;
    this.#countThatFitted = wasCut ? reply.messages.length : this.#countThatFitted * 2;
    const batch: Batch | null =
      request && reply.messages.length > 0
        ? {
            id: batchId,
            messages: reply.messages.map((raw, at) => ({ raw, ...readFare(reply.records[at]) })),
            expiresAt: reply.expiresAt,
            leaseEndsAt: sentAt + request.leaseMs,
          }
        : null;
    return {
      lostCount: reply.settled === "lost" ? (settlement?.outcomes.length ?? 0) : 0,
      claim: reply.claimed,
      batch,
      recovered: reply.recovered,
      nextDueAt: reply.nextDueAt,
      remaining: reply.remaining,
      settledAs: decodeSettled(reply.settledLetters, settlement),
      deadLetters: reply.deadLetters,
      now: reply.now,
      problem: reply.problem,
    };
  }

  #countMax(request: ClaimRequest): number {
    return Math.max(1, Math.min(request.countMax, this.#countThatFitted * 2));
  }

  /** A lone drain that has just looked around and found nothing need not look again at every turn. */
  #mustLook(settlement: Settlement | null): boolean {
    if (settlement === null || this.#options.maxConcurrency > 1) return true;
    return this.#lastNow >= this.#quietUntil || settlement.outcomes.some(({ kind }) => kind !== "ack");
  }

  async #send(what: {
    settlement: Settlement | null;
    request: ClaimRequest | null;
    batchId: string;
    /** Whether an earlier request with the same settlement may have run. */
    mayHaveRun?: boolean;
    /** In place of a settlement: a batch to give back whole, whatever it holds. */
    giveBackId?: string;
  }): Promise<TurnReply> {
    const { settlement, request, batchId, giveBackId = "" } = what;
    const { keys, holder, maxBatchBytes, maxConcurrency } = this.#options;
    const looks = this.#mustLook(settlement);
    const { letters, details } = settlement ? encodeOutcomes(settlement) : { letters: "", details: [] };
    const makeArgs = (mayHaveRun: boolean): ScriptArgument[] => [
      keys.base,
      settlement?.batch.id ?? giveBackId,
      // Only a request sent again may take a missing lease for its own earlier work.
      (mayHaveRun || what.mayHaveRun) && settlement ? settlement.batch.expiresAt : 0,
      giveBackId ? "*" : letters,
      batchId,
      holder,
      request?.holds?.id ?? "",
      request?.leaseMs ?? 0,
      request ? this.#countMax(request) : 0,
      maxBatchBytes,
      maxConcurrency,
      looks ? 1 : 0,
      limits.recoverCountMax,
      limits.promoteCountMax,
      settlement && !request ? 1 : 0,
      `${this.#options.policy},${this.#marksBusy(request)},${this.#busyUntil}`,
      ...details,
    ];
    const reply = readTurnReply(await this.#run(makeArgs));
    this.#sender.meter.commands += reply.calls;
    this.#lastNow = reply.now;
    this.#busyUntil = reply.busyUntil;
    if (looks) this.#quietUntil = reply.isQuiet ? reply.now + limits.quietMs : 0;
    return reply;
  }

  #marksBusy(request: ClaimRequest | null): number {
    if (!this.#options.marksBusy) return 0;
    return request?.isAhead ? 2 : 1;
  }

  async #run(makeArgs: (mayHaveRun: boolean) => ScriptArgument[]): Promise<RedisReply> {
    try {
      return await this.#evaluate(makeArgs);
    } catch (error) {
      if (!(error instanceof RedisReplyError) || error.prefix !== "OOM" || this.#isServerFull) throw error;
      this.#isServerFull = true;
      return this.#evaluate(makeArgs);
    }
  }

  async #evaluate(makeArgs: (mayHaveRun: boolean) => ScriptArgument[]): Promise<RedisReply> {
    const { list, leases, attempts, delayed, dead, brake, busy } = this.#keys;
    const keys = [list, leases, attempts, delayed, dead, brake, busy];
    const script = this.#isServerFull ? whenFull : whenNot;
    return evaluate(this.#sender, script, keys, makeArgs);
  }
}

function escapeGlob(text: ByteString): ByteString {
  return text.replace(/[\\*?[\]]/g, "\\$&");
}
