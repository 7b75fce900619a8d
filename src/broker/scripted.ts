import type { Batch, Broker, ClaimRequest, DrainStats, Settlement, TurnResult } from "../broker.ts";
import { sha1Hex } from "../digest.ts";
import { RedisProtocolError, RedisReplyError } from "../errors.ts";
import type { ListKeys } from "../keys.ts";
import { limits } from "../limits.ts";
import type { Outcome } from "../message.ts";
import type { ByteString, RedisReply } from "../redis-client.ts";
import type { Sender } from "../sender.ts";
import { turnScript, turnScriptWhenFull } from "./scripts/turn.ts";
import { readTurnReply, type TurnReply } from "./turn-reply.ts";

type ScriptArgument = ByteString | number;

const whenNot = { source: turnScript, sha: sha1Hex(turnScript) };

const whenFull = { source: turnScriptWhenFull, sha: sha1Hex(turnScriptWhenFull) };

export interface ScriptedBrokerOptions {
  readonly sender: Sender;
  readonly keys: ListKeys;
  /** Names the drain; the prefix of its batch ids. */
  readonly holder: string;
  readonly maxBatchBytes: number;
  readonly maxConcurrency: number;
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
  /** Bytes cut the last claim to this many messages; the next one asks for no more than twice as many. */
  #countThatFitted = Number.POSITIVE_INFINITY;

  constructor(options: ScriptedBrokerOptions) {
    this.#options = options;
    this.#sender = options.sender;
    this.#keys = options.keys;
  }

  async hasWork(): Promise<boolean> {
    const { list, delayed, leases } = this.#keys;
    const found = await this.#sender.command(() => ["EXISTS", list, delayed, leases]);
    if (typeof found !== "number")
      throw new RedisProtocolError(`EXISTS must answer a number; got ${typeof found}.`);
    return found > 0;
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
    const { list, leases, delayed, dead, workingPrefix } = this.#keys;
    const [waiting, ids, delayedCount, deadCount, next] = await this.#read([
      ["LLEN", list],
      ["ZRANGE", leases, 0, -1],
      ["ZCARD", delayed],
      ["LLEN", dead],
      ["ZRANGE", delayed, 0, 0, "WITHSCORES"],
    ]);
    const batchIds = (ids as ByteString[]) ?? [];
    const lengths =
      batchIds.length > 0 ? await this.#read(batchIds.map((id) => ["LLEN", workingPrefix + id])) : [];
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

  async #turn(settlement: Settlement | null, request: ClaimRequest | null): Promise<TurnResult> {
    const batchId = request ? `${this.#options.holder}.${++this.#batchCount}` : "";
    const sentAt = this.#sender.now();
    let reply = await this.#send(settlement, request, batchId);
    if (reply.problem?.prefix === "OOM" && !this.#isServerFull) {
      // The settlement is done, and repeating it would say so and claim nothing: ask for the claim alone.
      this.#isServerFull = true;
      const retried = await this.#send(null, request, batchId);
      reply = { ...retried, settled: reply.settled, horizon: reply.horizon };
    }
    return this.#result(reply, settlement, request, batchId, sentAt);
  }

  #result(
    reply: TurnReply,
    settlement: Settlement | null,
    request: ClaimRequest | null,
    batchId: string,
    sentAt: number,
  ): TurnResult {
    const asked = request ? this.#countMax(request) : 0;
    const wasCut = reply.messages.length > 0 && reply.messages.length < asked && (reply.remaining ?? 0) > 0;
    this.#countThatFitted = wasCut ? reply.messages.length : this.#countThatFitted * 2;
    const batch: Batch | null =
      request && reply.messages.length > 0
        ? {
            id: batchId,
            messages: reply.messages.map((raw, at) => ({
              raw,
              earlierAttempts: reply.earlierAttempts[at] ?? 0,
            })),
            expiresAt: reply.expiresAt,
            leaseEndsAt: sentAt + request.leaseMs,
          }
        : null;
    const hasFailed = settlement?.outcomes.includes("retry") ?? false;
    return {
      lostCount: reply.settled === "lost" ? (settlement?.outcomes.length ?? 0) : 0,
      claim: reply.claimed,
      batch,
      recovered: reply.recovered,
      nextDueAt: reply.nextDueAt,
      remaining: reply.remaining,
      // Where the failed ones went is not known, so nothing is known to be older than they: claim no further.
      horizon: reply.horizon ?? (hasFailed ? 0 : null),
      problem: reply.problem,
    };
  }

  #countMax(request: ClaimRequest): number {
    return Math.min(request.countMax, this.#countThatFitted * 2);
  }

  /** A lone drain that has just looked around and found nothing need not look again at every turn. */
  #mustLook(settlement: Settlement | null): boolean {
    if (settlement === null || this.#options.maxConcurrency > 1) return true;
    return this.#lastNow >= this.#quietUntil || settlement.outcomes.some((outcome) => outcome !== "ack");
  }

  async #send(
    settlement: Settlement | null,
    request: ClaimRequest | null,
    batchId: string,
  ): Promise<TurnReply> {
    const { keys, holder, maxBatchBytes, maxConcurrency } = this.#options;
    const looks = this.#mustLook(settlement);
    const outcomes = settlement ? letters(settlement) : "";
    const countMax = request ? this.#countMax(request) : 0;
    const makeArgs = (mayHaveRun: boolean): ScriptArgument[] => [
      keys.workingPrefix,
      settlement?.batch.id ?? "",
      // Only a request sent again may take a missing lease for its own earlier work.
      mayHaveRun && settlement ? settlement.batch.expiresAt : 0,
      outcomes,
      batchId,
      holder,
      request?.holds?.id ?? "",
      request?.leaseMs ?? 0,
      countMax,
      maxBatchBytes,
      maxConcurrency,
      looks ? 1 : 0,
      limits.recoverCountMax,
      limits.promoteCountMax,
      settlement && !request ? 1 : 0,
    ];
    const reply = readTurnReply(await this.#run(makeArgs));
    this.#sender.meter.commands += reply.calls;
    this.#lastNow = reply.now;
    if (looks) this.#quietUntil = reply.isQuiet ? reply.now + limits.quietMs : 0;
    return reply;
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
    const { list, leases, attempts, delayed } = this.#keys;
    const keys = [list, leases, attempts, delayed];
    const script = this.#isServerFull ? whenFull : whenNot;
    try {
      return await this.#sender.command((again) => [
        "EVALSHA",
        script.sha,
        keys.length,
        ...keys,
        ...makeArgs(again),
      ]);
    } catch (error) {
      if (!(error instanceof RedisReplyError) || error.prefix !== "NOSCRIPT") throw error;
      return this.#sender.command((again) => [
        "EVAL",
        script.source,
        keys.length,
        ...keys,
        ...makeArgs(again),
      ]);
    }
  }
}

/** One letter a message, as the script reads them. Acks of messages with earlier attempts also clear their count. */
function letters(settlement: Settlement): string {
  const letterOf: Record<Outcome, string> = { ack: "a", retry: "f", release: "r", keep: "k" };
  return settlement.outcomes
    .map((outcome, at) => {
      const hasAttempts = (settlement.batch.messages[at]?.earlierAttempts ?? 0) > 0;
      return outcome === "ack" && hasAttempts ? "c" : letterOf[outcome];
    })
    .join("");
}
