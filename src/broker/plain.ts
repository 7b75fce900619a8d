import type { Batch, Broker, ClaimRequest, DrainStats, Settlement, TurnResult } from "../broker.ts";
import { deadLetterEntry, deadLetterTail } from "../dead-letter.ts";
import { sha1Hex } from "../digest.ts";
import { RedisProtocolError, RedisReplyError, SpillwayError } from "../errors.ts";
import type { ListKeys } from "../keys.ts";
import { limits } from "../limits.ts";
import type { ClaimedMessage } from "../message.ts";
import { type Outcome, type RetryLater, type SettledAs, settledAs, type ToDeadLetter } from "../outcome.ts";
import type { ByteString, RedisCommand, RedisReply } from "../redis-client.ts";
import type { Sender } from "../sender.ts";
import { type Observation, observe } from "./observation.ts";
import { readFare, unharmed } from "./record.ts";

export interface PlainBrokerOptions {
  readonly sender: Sender;
  readonly keys: ListKeys;
  readonly holder: string;
  /** The shared working list, bytes-in-a-string. */
  readonly workingList: ByteString;
  readonly visibilityTimeoutMs: number;
  readonly maxBatchBytes: number;
  readonly maxAttempts: number;
  /** Dead letters to keep at most; 0 for all. */
  readonly deadCountMax: number;
}

/** First claim of a drain, before it knows how large its messages are. */
const firstCountMax = 20;

/**
 * The engine without scripts: pipelined `RPOPLPUSH` and `LREM key 1 payload` in one shared working list, as
 * BroadwayRedis does, so that both can drain one list side by side. What it gives up: a lost reply to a claim strands
 * those messages until they are seen to be stuck; a settle is not atomic; live drains are not counted; equal payloads
 * share one count of attempts; there is no brake and no smaller batch after a crash; a full Redis refuses its claims.
 */
export function plainBroker(options: PlainBrokerOptions): Broker {
  return new PlainBroker(options);
}

class PlainBroker implements Broker {
  readonly #sender: Sender;
  readonly #keys: ListKeys;
  readonly #options: PlainBrokerOptions;
  #batchCount = 0;
  #hasAttempts = false;
  /** The most messages worth asking for: what the list held when last looked, for each asked and missing one is billed. */
  #listLength = 0;
  #averageBytes: number | undefined;
  /** What Redis' clock shows ahead of ours, ms. */
  #aheadMs = 0;
  #nextDueAt: number | null = null;
  #retryCount = 0;

  constructor(options: PlainBrokerOptions) {
    this.#options = options;
    this.#sender = options.sender;
    this.#keys = options.keys;
  }

  async look(): Promise<"empty" | "work"> {
    const found = await this.#sender.command(() => [
      "EXISTS",
      this.#keys.list,
      this.#options.workingList,
      this.#keys.seen,
      this.#keys.delayed,
    ]);
    if (typeof found !== "number")
      throw new RedisProtocolError(`EXISTS must answer a number; got ${typeof found}.`);
    return found > 0 ? "work" : "empty";
  }

  async claim(request: ClaimRequest): Promise<TurnResult> {
    const seen = request.holds ? nothing : await this.recover();
    return this.#exchange(null, request, seen);
  }

  turn(settlement: Settlement, request: ClaimRequest): Promise<TurnResult> {
    return this.#exchange(settlement, request, nothing);
  }

  settle(settlement: Settlement): Promise<TurnResult> {
    return this.#exchange(settlement, null, nothing);
  }

  /** Watches the shared working list, returns what has been seen there too long, and promotes what is due. */
  async recover(): Promise<TurnResult> {
    const { workingList } = this.#options;
    const { list, seen, attempts, delayed } = this.#keys;
    const replies = await this.#sender.pipeline([
      ["TIME"],
      ["LRANGE", workingList, -limits.recoverCountMax, -1],
      ["HGETALL", seen],
      ["LLEN", list],
      ["EXISTS", attempts],
      ["ZRANGE", delayed, 0, 0, "WITHSCORES"],
    ]);
    const [time, working, seenSince, length, hasAttempts, next] = replies.map(unlessError);
    this.#listLength = Number(length);
    this.#hasAttempts = hasAttempts === 1;
    const now = Number((time as ByteString[])[0]) * 1000;
    this.#aheadMs = now - this.#sender.now();
    const payloads = working as ByteString[];
    const observation = observe(payloads, seenSince as ByteString[], now, this.#options.visibilityTimeoutMs);
    await this.#note(observation, now);
    const [, dueAt] = next as ByteString[];
    this.#nextDueAt = dueAt === undefined ? null : Number(dueAt);
    const isDue = this.#nextDueAt !== null && this.#nextDueAt <= now;
    if (observation.stuck.length === 0 && !isDue) return { ...nothing, nextDueAt: this.#nextDueAt };
    return this.#alone(async () => {
      if (isDue) await this.#promote(now);
      const { recovered, deadLetters } = await this.#giveBack(observation.stuck, now);
      return { ...nothing, recovered, deadLetters, nextDueAt: this.#nextDueAt, now };
    });
  }

  adopt(): Promise<{ cursor: string; adopted: number }> {
    // What stands in the shared working list is found by watching it.
    return Promise.resolve({ cursor: "0", adopted: 0 });
  }

  markDone(): Promise<void> {
    throw new SpillwayError("invalid-option", "The plain engine keeps no done-markers.");
  }

  async stats(): Promise<DrainStats> {
    const { list, delayed, dead } = this.#keys;
    const replies = await this.#sender.pipeline([
      ["LLEN", list],
      ["LLEN", this.#options.workingList],
      ["ZCARD", delayed],
      ["LLEN", dead],
    ]);
    const [waiting, working, delayedCount, deadCount] = replies.map((reply) => Number(unlessError(reply)));
    return {
      list: waiting ?? 0,
      working: working ?? 0,
      leases: 0,
      delayed: delayedCount ?? 0,
      dead: deadCount ?? 0,
      nextDueAt: null,
    };
  }

  async #note(observation: Observation, now: number): Promise<void> {
    const { seen } = this.#keys;
    const commands: RedisCommand[] = [];
    if (observation.appeared.length > 0) {
      commands.push(["HSET", seen, ...observation.appeared.flatMap((digest) => [digest, now])]);
    }
    if (observation.gone.length > 0) commands.push(["HDEL", seen, ...observation.gone]);
    if (commands.length > 0) for (const reply of await this.#sender.pipeline(commands)) unlessError(reply);
  }

  /** Lets one drain at a time return and promote; another finds nothing to do. */
  async #alone(work: () => Promise<TurnResult>): Promise<TurnResult> {
    const { recovering } = this.#keys;
    const [isMine] = await this.#sender.pipelineOnce([
      ["SET", recovering, this.#options.holder, "NX", "PX", limits.recoveringMs],
    ]);
    if (unlessError(isMine) !== "OK") return { ...nothing, nextDueAt: this.#nextDueAt };
    const result = await work();
    const [freed] = await this.#sender.pipelineOnce([["DEL", recovering]]);
    unlessError(freed);
    return result;
  }

  /** Pushes before it removes: a crash between leaves a message twice, never not at all. */
  async #promote(now: number): Promise<void> {
    const { list, delayed, attempts } = this.#keys;
    const due = (await this.#sender.command(() => [
      "ZRANGEBYSCORE",
      delayed,
      "-inf",
      now,
      "LIMIT",
      0,
      limits.promoteCountMax,
    ])) as ByteString[];
    const commands: RedisCommand[] = [];
    for (const member of due) {
      const colon = member.indexOf(":");
      const payload = member.slice(colon + 1);
      const record = /!(\d+\.\d+\.\d+@\d+)$/.exec(member.slice(0, Math.max(0, colon)))?.[1];
      if (record) commands.push(["HSET", attempts, sha1Hex(payload), record]);
      commands.push(["LPUSH", list, payload], ["ZREM", delayed, member]);
    }
    commands.push(["ZRANGE", delayed, 0, 0, "WITHSCORES"]);
    const replies = (await this.#sender.pipelineOnce(commands)).map(unlessError);
    const [, dueAt] = replies.at(-1) as ByteString[];
    this.#nextDueAt = dueAt === undefined ? null : Number(dueAt);
    this.#hasAttempts = true;
    this.#listLength += due.length;
  }

  async #giveBack(
    stuck: readonly ByteString[],
    now: number,
  ): Promise<{ recovered: number; deadLetters: ByteString[] }> {
    if (stuck.length === 0) return { recovered: 0, deadLetters: [] };
    const { list, seen, attempts, dead } = this.#keys;
    const records = await this.#readRecords(stuck);
    const back: ByteString[] = [];
    const deadLetters: ByteString[] = [];
    const commands: RedisCommand[] = [];
    for (const [at, payload] of stuck.entries()) {
      const fare = records[at] as Fare;
      const count = fare.earlierAttempts + 1;
      const firstFailedAt = fare.firstFailedAt ?? now;
      const digest = sha1Hex(payload);
      if (count >= this.#options.maxAttempts) {
        const head = { id: `${digest}.${now}`, attempts: count, firstFailedAt, lastFailedAt: now };
        deadLetters.push(deadLetterEntry(head, deadLetterTail({ reason: "crashed" }, 1), payload));
        commands.push(["HDEL", attempts, digest]);
      } else {
        back.push(payload);
        commands.push(["HSET", attempts, digest, `${count}.${fare.crashes + 1}.0@${firstFailedAt}`]);
      }
      commands.push(["LREM", this.#options.workingList, -1, payload], ["HDEL", seen, digest]);
    }
    if (back.length > 0) commands.unshift(["RPUSH", list, ...back]);
    if (deadLetters.length > 0) commands.unshift(["LPUSH", dead, ...deadLetters], ...this.#trimDead());
    for (const reply of await this.#sender.pipelineOnce(commands)) unlessError(reply);
    this.#hasAttempts = true;
    this.#listLength += back.length;
    return { recovered: back.length, deadLetters };
  }

  #trimDead(): RedisCommand[] {
    const { deadCountMax } = this.#options;
    return deadCountMax > 0 ? [["LTRIM", this.#keys.dead, 0, deadCountMax - 1]] : [];
  }

  async #exchange(
    settlement: Settlement | null,
    request: ClaimRequest | null,
    seen: TurnResult,
  ): Promise<TurnResult> {
    const { list } = this.#keys;
    const settling = settlement ? this.#settleCommands(settlement) : [];
    const isReleasing = settlement?.outcomes.some(({ kind }) => kind === "release") ?? false;
    const countMax = request ? this.#countMax(request, isReleasing) : 0;
    const claiming = Array.from(
      { length: countMax },
      (): RedisCommand => ["RPOPLPUSH", list, this.#options.workingList],
    );
    const sentAt = this.#sender.now();
    const replies = await this.#sender.pipelineOnce([
      ...settling.map(({ command }) => command),
      ...claiming,
      ["LLEN", list],
    ]);
    const lostCount = settling.filter(({ removes }, at) => unlessError(replies[at]) === 0 && removes).length;
    const popped = replies.slice(settling.length, settling.length + countMax);
    const payloads = popped.filter((reply): reply is ByteString => typeof reply === "string");
    const problem = popped.find((reply) => reply instanceof RedisReplyError) as RedisReplyError | undefined;
    const length = replies.at(-1);
    this.#listLength = typeof length === "number" ? length : 0;
    const batch = request && payloads.length > 0 ? await this.#batch(payloads, request, sentAt) : null;
    return {
      lostCount,
      claim: request ? "served" : "not-served",
      batch,
      recovered: seen.recovered,
      deadLetters: seen.deadLetters,
      nextDueAt: this.#nextDueAt,
      remaining: typeof length === "number" ? length : null,
      settledAs: settlement ? settlement.outcomes.map(settledHere) : null,
      now: this.#redisNow(),
      problem: batch === null ? (problem ?? null) : null,
    };
  }

  #redisNow(): number {
    return Math.round(this.#sender.now() + this.#aheadMs);
  }

  #countMax(request: ClaimRequest, isSettlingReturns: boolean): number {
    const fitting = this.#averageBytes
      ? Math.floor(this.#options.maxBatchBytes / Math.max(1, this.#averageBytes))
      : firstCountMax;
    const present = isSettlingReturns ? this.#listLength : Math.max(1, this.#listLength);
    return Math.min(request.countMax, Math.max(1, fitting), present);
  }

  async #batch(payloads: readonly ByteString[], request: ClaimRequest, sentAt: number): Promise<Batch> {
    this.#averageBytes = payloads.reduce((sum, payload) => sum + payload.length, 0) / payloads.length;
    const fares = this.#hasAttempts ? await this.#readRecords(payloads) : [];
    return {
      id: `${this.#options.holder}.${++this.#batchCount}`,
      messages: payloads.map((raw, at) => ({ raw, ...(fares[at] ?? unharmed) })),
      expiresAt: 0,
      leaseEndsAt: sentAt + request.leaseMs,
    };
  }

  async #readRecords(payloads: readonly ByteString[]): Promise<Fare[]> {
    const digests = payloads.map(sha1Hex);
    const found = await this.#sender.command(() => ["HMGET", this.#keys.attempts, ...digests]);
    return (found as RedisReply[]).map((record) => readFare(typeof record === "string" ? record : undefined));
  }

  #settleCommands(settlement: Settlement): { command: RedisCommand; removes: boolean }[] {
    const { list, attempts } = this.#keys;
    const pushes: RedisCommand[] = [];
    const removals: RedisCommand[] = [];
    const released: ByteString[] = [];
    for (const [at, outcome] of settlement.outcomes.entries()) {
      const message = settlement.batch.messages[at];
      if (message === undefined || outcome.kind === "keep") continue;
      removals.push(["LREM", this.#options.workingList, 1, message.raw]);
      if (outcome.kind === "release") {
        released.push(message.raw);
        continue;
      }
      if (outcome.kind !== "ack")
        pushes.push(
          ...this.#failCommands(settlement.batch.id, at, message, withoutBrake(outcome, this.#redisNow())),
        );
      if (message.firstFailedAt !== null) pushes.push(["HDEL", attempts, sha1Hex(message.raw)]);
    }
    if (released.length > 0) pushes.push(["RPUSH", list, ...released.reverse()]);
    return [
      ...pushes.map((command) => ({ command, removes: false })),
      ...removals.map((command) => ({ command, removes: true })),
    ];
  }

  #failCommands(
    batchId: string,
    at: number,
    message: ClaimedMessage,
    outcome: RetryLater | ToDeadLetter,
  ): RedisCommand[] {
    const now = this.#redisNow();
    const attempts = message.earlierAttempts + 1;
    const firstFailedAt = message.firstFailedAt ?? now;
    if (outcome.kind === "retry") {
      const dueAt = now + outcome.delayMs;
      // Begins so that equal due times keep their order.
      const place = String(++this.#retryCount).padStart(8, "0");
      const member = `${place}.${batchId}!${attempts}.${message.crashes}.0@${firstFailedAt}:${message.raw}`;
      this.#nextDueAt = Math.min(this.#nextDueAt ?? dueAt, dueAt);
      return [["ZADD", this.#keys.delayed, dueAt, member]];
    }
    const head = { id: `${batchId}.${at + 1}`, attempts, firstFailedAt, lastFailedAt: now };
    const entry = deadLetterEntry(head, deadLetterTail(outcome.cause, 1), message.raw);
    return [["LPUSH", this.#keys.dead, entry], ...this.#trimDead()];
  }
}

type Fare = Omit<ClaimedMessage, "raw">;

/** Without a brake, an overload is a failure that waits at least as long as the handler asked. */
function withoutBrake(
  outcome: Exclude<Outcome, { kind: "ack" } | { kind: "release" } | { kind: "keep" }>,
  now: number,
): RetryLater | ToDeadLetter {
  if (outcome.kind !== "overloaded") return outcome;
  const { otherwise, untilMs } = outcome;
  if (otherwise.kind === "dead-letter") return otherwise;
  return { ...otherwise, delayMs: Math.max(otherwise.delayMs, Math.min(untilMs - now, limits.delayMsMax)) };
}

function settledHere(outcome: Outcome): SettledAs {
  return outcome.kind === "overloaded" ? outcome.otherwise.kind : settledAs(outcome);
}

const nothing: TurnResult = {
  lostCount: 0,
  claim: "not-served",
  batch: null,
  recovered: 0,
  nextDueAt: null,
  remaining: null,
  settledAs: null,
  deadLetters: [],
  now: 0,
  problem: null,
};

function unlessError(reply: RedisReply | RedisReplyError | undefined): RedisReply | undefined {
  if (reply instanceof RedisReplyError) throw reply;
  return reply;
}
