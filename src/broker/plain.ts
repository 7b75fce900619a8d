import type { Batch, Broker, ClaimRequest, DrainStats, Settlement, TurnResult } from "../broker.ts";
import { sha1Hex } from "../digest.ts";
import { RedisProtocolError, RedisReplyError } from "../errors.ts";
import type { ListKeys } from "../keys.ts";
import { limits } from "../limits.ts";
import type { ByteString, RedisCommand, RedisReply } from "../redis-client.ts";
import type { Sender } from "../sender.ts";
import { type Observation, observe } from "./observation.ts";

export interface PlainBrokerOptions {
  readonly sender: Sender;
  readonly keys: ListKeys;
  readonly holder: string;
  /** The shared working list, bytes-in-a-string. */
  readonly workingList: ByteString;
  readonly visibilityTimeoutMs: number;
  readonly maxBatchBytes: number;
}

/** First claim of a drain, before it knows how large its messages are. */
const firstCountMax = 20;

/**
 * The engine without scripts: pipelined `RPOPLPUSH` and `LREM key 1 payload` in one shared working list, as
 * BroadwayRedis does, so that both can drain one list side by side. What it gives up: a lost reply to a claim strands
 * those messages until they are seen to be stuck; a settle is not atomic; live drains are not counted; equal payloads
 * in flight cannot be told apart; a full Redis refuses its claims.
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

  constructor(options: PlainBrokerOptions) {
    this.#options = options;
    this.#sender = options.sender;
    this.#keys = options.keys;
  }

  async hasWork(): Promise<boolean> {
    const found = await this.#sender.command(() => [
      "EXISTS",
      this.#keys.list,
      this.#options.workingList,
      this.#keys.seen,
    ]);
    if (typeof found !== "number")
      throw new RedisProtocolError(`EXISTS must answer a number; got ${typeof found}.`);
    return found > 0;
  }

  async claim(request: ClaimRequest): Promise<TurnResult> {
    const recovered = request.holds ? 0 : (await this.recover()).recovered;
    return this.#exchange(null, request, recovered);
  }

  turn(settlement: Settlement, request: ClaimRequest): Promise<TurnResult> {
    return this.#exchange(settlement, request, 0);
  }

  settle(settlement: Settlement): Promise<TurnResult> {
    return this.#exchange(settlement, null, 0);
  }

  /** Watches the shared working list, and returns what has been seen there for longer than the visibility timeout. */
  async recover(): Promise<TurnResult> {
    const { workingList } = this.#options;
    const { list, seen, attempts, recovering } = this.#keys;
    const replies = await this.#sender.pipeline([
      ["TIME"],
      ["LRANGE", workingList, -limits.recoverCountMax, -1],
      ["HGETALL", seen],
      ["LLEN", list],
      ["EXISTS", attempts],
    ]);
    const [time, working, seenSince, length, hasAttempts] = replies.map(unlessError);
    this.#listLength = Number(length);
    this.#hasAttempts = hasAttempts === 1;
    const now = Number((time as ByteString[])[0]) * 1000;
    const payloads = working as ByteString[];
    const observation = observe(payloads, seenSince as ByteString[], now, this.#options.visibilityTimeoutMs);
    await this.#note(observation, now);
    let recovered = 0;
    if (observation.stuck.length > 0) {
      const isMine = await this.#sender.pipelineOnce([
        ["SET", recovering, this.#options.holder, "NX", "PX", limits.recoveringMs],
      ]);
      if (unlessError(isMine[0]) === "OK") recovered = await this.#giveBack(observation.stuck);
    }
    return { ...nothing, recovered };
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

  /** Pushes before it removes: a crash between leaves a message twice, never not at all. */
  async #giveBack(stuck: readonly ByteString[]): Promise<number> {
    const { list, seen, attempts, recovering } = this.#keys;
    const commands: RedisCommand[] = [["RPUSH", list, ...stuck]];
    for (const payload of stuck) {
      const digest = sha1Hex(payload);
      commands.push(["LREM", this.#options.workingList, -1, payload]);
      commands.push(["HINCRBY", attempts, digest, 1], ["HDEL", seen, digest]);
    }
    commands.push(["DEL", recovering]);
    for (const reply of await this.#sender.pipelineOnce(commands)) unlessError(reply);
    this.#hasAttempts = true;
    this.#listLength += stuck.length;
    return stuck.length;
  }

  async #exchange(
    settlement: Settlement | null,
    request: ClaimRequest | null,
    recovered: number,
  ): Promise<TurnResult> {
    const { list } = this.#keys;
    const settling = settlement ? this.#settleCommands(settlement) : [];
    const failedCount = settlement?.outcomes.filter((outcome) => outcome === "retry").length ?? 0;
    const returnedCount =
      failedCount + (settlement?.outcomes.filter((outcome) => outcome === "release").length ?? 0);
    // Failed messages stand at the left end after this settle; a claim in the same request must not reach them.
    const countMax = request ? this.#countMax(request, returnedCount > 0) : 0;
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
    if (failedCount > 0) this.#hasAttempts = true;
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
      recovered,
      nextDueAt: null,
      remaining: typeof length === "number" ? length : null,
      horizon: failedCount > 0 ? Math.max(0, this.#listLength + payloads.length - failedCount) : null,
      problem: batch === null ? (problem ?? null) : null,
    };
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
    const earlier = this.#hasAttempts ? await this.#readAttempts(payloads) : [];
    return {
      id: `${this.#options.holder}.${++this.#batchCount}`,
      messages: payloads.map((raw, at) => ({ raw, earlierAttempts: earlier[at] ?? 0 })),
      expiresAt: 0,
      leaseEndsAt: sentAt + request.leaseMs,
    };
  }

  async #readAttempts(payloads: readonly ByteString[]): Promise<number[]> {
    const counts = await this.#sender.command(() => ["HMGET", this.#keys.attempts, ...payloads.map(sha1Hex)]);
    return (counts as RedisReply[]).map((count) => Number(count ?? 0));
  }

  #settleCommands(settlement: Settlement): { command: RedisCommand; removes: boolean }[] {
    const { list, attempts } = this.#keys;
    const commands: { command: RedisCommand; removes: boolean }[] = [];
    const released: ByteString[] = [];
    const gone: ByteString[] = [];
    for (const [at, outcome] of settlement.outcomes.entries()) {
      const message = settlement.batch.messages[at];
      if (message === undefined || outcome === "keep") continue;
      gone.push(message.raw);
      if (outcome === "release") released.push(message.raw);
      if (outcome === "retry") {
        commands.push({ command: ["LPUSH", list, message.raw], removes: false });
        commands.push({ command: ["HINCRBY", attempts, sha1Hex(message.raw), 1], removes: false });
      }
      if (outcome === "ack" && message.earlierAttempts > 0) {
        commands.push({ command: ["HDEL", attempts, sha1Hex(message.raw)], removes: false });
      }
    }
    if (released.length > 0)
      commands.push({ command: ["RPUSH", list, ...released.reverse()], removes: false });
    for (const raw of gone)
      commands.push({ command: ["LREM", this.#options.workingList, 1, raw], removes: true });
    return commands;
  }
}

const nothing: TurnResult = {
  lostCount: 0,
  claim: "not-served",
  batch: null,
  recovered: 0,
  nextDueAt: null,
  remaining: null,
  horizon: null,
  problem: null,
};

function unlessError(reply: RedisReply | RedisReplyError | undefined): RedisReply | undefined {
  if (reply instanceof RedisReplyError) throw reply;
  return reply;
}
