import { RedisReplyError } from "../errors.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { ByteString, RedisCommand } from "../redis/redis-client.ts";
import { eachAlone, type Sender } from "../redis/sender.ts";
import type { Batch, Broker, ClaimRequest, DrainStats, Settlement, TurnResult } from "./broker.ts";
import { noHistory } from "./history.ts";
import { PlainRecovery, type PlainRecoveryOptions } from "./plain-recovery.ts";
import { sendEachOnce } from "./plain-sending.ts";
import { PlainSettle, type PlainSettling, settledWithoutBrake } from "./plain-settle.ts";
import { PlainView } from "./plain-view.ts";
import { hasField, numberOf, pipelined } from "./replies.ts";
import { shardedListError } from "./sharded-list.ts";

/** `workingList` is shared, bytes-in-a-string; `deadCountMax` 0 keeps all dead letters. */
export type PlainBrokerOptions = PlainRecoveryOptions;

/** First claim of a drain, before it knows how large its messages are. */
const firstCountMax = 20;

/**
 * The engine without scripts: pipelined `RPOPLPUSH` and `LREM key 1 payload` in one shared working list, as BroadwayRedis does,
 * so that both can drain one list side by side. What it gives up: where the reply to a claim is lost, its messages wait until
 * they are seen to be stuck; a settle is not atomic; live drains are not counted; equal payloads share one count of attempts;
 * there is no brake and no smaller batch after a crash; a full Redis refuses its claims.
 */
export function plainBroker(options: PlainBrokerOptions): Broker {
  return new PlainBroker(options);
}

class PlainBroker implements Broker {
  readonly #sender: Sender;
  readonly #keys: ListKeys;
  readonly #options: PlainBrokerOptions;
  readonly #view: PlainView;
  readonly #recovery: PlainRecovery;
  readonly #settle: PlainSettle;
  /** Batches whose settle was sent. */
  readonly #sentIds = new Set<string>();
  #batchCount = 0;
  #averageBytes: number | undefined;

  constructor(options: PlainBrokerOptions) {
    this.#options = options;
    this.#sender = options.sender;
    this.#keys = options.keys;
    this.#view = new PlainView(options.sender, options.keys);
    this.#recovery = new PlainRecovery(options, this.#view);
    this.#settle = new PlainSettle(options, this.#view);
  }

  async look(_isCalled = false, isShard = false): Promise<"empty" | "work" | "paused"> {
    const { base, list, seen, delayed, control } = this.#keys;
    const { workingList } = this.#options;
    // EXISTS counts a key as often as it is named, so five times outweighs the others together.
    const told = Array<ByteString>(5).fill(control);
    const shards = Array<ByteString>(isShard ? 0 : 10).fill(`${base}shards`);
    const named = [list, workingList, seen, delayed, ...told, ...shards];
    const found = await numberOf(this.#sender, ["EXISTS", ...named]);
    if (found > 9) throw shardedListError(this.#keys);
    if (found >= 5 && (await numberOf(this.#sender, ["HEXISTS", control, "paused"])) > 0) return "paused";
    return found % 5 > 0 ? "work" : "empty";
  }

  async claim(request: ClaimRequest): Promise<TurnResult> {
    const before = request.holds ? nothing : await this.recover();
    return this.#exchange(null, request, before);
  }

  turn(settlement: Settlement, request: ClaimRequest): Promise<TurnResult> {
    return this.#exchange(settlement, request, nothing);
  }

  /** Sends nothing where a settle of the batch was sent before: a second one would copy messages, and remove equal ones of others. */
  async settle(settlement: Settlement): Promise<TurnResult> {
    const { batch, outcomes } = settlement;
    if (this.#sentIds.has(batch.id)) return { ...nothing, unsettledCount: outcomes.length };
    return this.#exchange(settlement, null, nothing);
  }

  async recover(): Promise<TurnResult> {
    const recovered = await this.#recovery.recover();
    return { ...nothing, ...recovered, nextDueAt: this.#view.nextDueAt };
  }

  isPaused(): Promise<boolean> {
    return hasField(this.#sender, this.#keys.control, "paused");
  }

  async stats(): Promise<DrainStats> {
    const { list, delayed, dead, control, parked, due } = this.#keys;
    const lengths = await pipelined(this.#sender, [
      ["LLEN", list],
      ["LLEN", this.#options.workingList],
      ["ZCARD", delayed],
      ["LLEN", dead],
      ["HEXISTS", control, "paused"],
      ["ZCARD", parked],
      ["ZCARD", due],
    ]);
    const [
      waiting = 0,
      working = 0,
      delayedCount = 0,
      deadCount = 0,
      paused,
      parkedCount = 0,
      parkedKeys = 0,
    ] = lengths.map(Number);
    const elsewhere = { delayed: delayedCount, dead: deadCount, parked: parkedCount, parkedKeys };
    const counts = { list: waiting, working, leases: 0, ...elsewhere };
    return { ...counts, nextDueAt: null, paused: paused === 1, brakedUntil: null };
  }

  /**
   * Settles, claims, and counts what remains, in one request. Messages that go elsewhere are pushed there by a request before it,
   * since one whose push was refused must not leave the working list. `before`: what was recovered earlier.
   */
  async #exchange(
    settlement: Settlement | null,
    request: ClaimRequest | null,
    before: TurnResult,
  ): Promise<TurnResult> {
    const { list } = this.#keys;
    const { pushes, removals } = settlement ? this.#settle.commands(settlement) : nothingToSettle;
    if (pushes.length > 0) await this.#recovery.expectRemovable();
    if (settlement) this.#sentIds.add(settlement.batch.id);
    const pushed = await sendEachOnce(
      this.#sender,
      pushes.map(({ command }) => command),
    );
    let problem = pushed.find((reply) => reply instanceof RedisReplyError);
    const staying = new Set(
      pushes.flatMap(({ places }, at) => (pushed[at] instanceof RedisReplyError ? places : [])),
    );
    const settling = removals.filter(({ place }) => !staying.has(place));
    const isReleasing = settlement?.outcomes.some(({ kind }) => kind === "release") ?? false;
    const countMax = request && !problem ? this.#countMax(request, isReleasing) : 0;
    const claiming = Array.from(
      { length: countMax },
      (): RedisCommand => ["RPOPLPUSH", list, this.#options.workingList],
    );
    const sentAt = this.#sender.now();
    const removing = settling.map(({ command }) => command);
    // Together with a claim it would not be known whether the request is too large, or the reply.
    const isLarge = bytesOf(removing) > this.#options.maxBatchBytes / 2;
    const removedAlone = isLarge ? await sendEachOnce(this.#sender, removing) : [];
    const together = isLarge ? [] : removing;
    // A part of a claim that is sent again would bring messages in another order.
    const claimed = claiming.map((_, at) => together.length + at);
    const groups = [...eachAlone(together), ...(claimed.length > 0 ? [claimed] : [])];
    const replies = await this.#sender.pipelineOnce([...together, ...claiming, ["LLEN", list]], groups);
    const removed = [...removedAlone, ...replies.slice(0, together.length)];
    const isRemoval = (at: number): boolean => settling[at]?.command[0] === "LREM";
    const lostPlaces = settling.flatMap(({ place }, at) =>
      removed[at] === 0 && isRemoval(at) ? [place] : [],
    );
    const refusedCount = removed.filter(
      (reply, at) => reply instanceof RedisReplyError && isRemoval(at),
    ).length;
    const popped = replies.slice(together.length, together.length + countMax);
    const payloads = popped.filter((reply): reply is ByteString => typeof reply === "string");
    problem ??= removed.find((reply) => reply instanceof RedisReplyError);
    const refusal = popped.find((reply) => reply instanceof RedisReplyError);
    if (payloads.length === 0) problem ??= refusal;
    const length = replies.at(-1);
    this.#view.listLength = typeof length === "number" ? length : 0;
    const batch = request && payloads.length > 0 ? await this.#batch(payloads, request, sentAt) : null;
    return {
      lostCount: lostPlaces.length,
      lostPlaces,
      unsettledCount: staying.size + refusedCount,
      claim: request ? "served" : "not-served",
      batch,
      recovered: before.recovered,
      finishedCount: 0,
      deadLetters: before.deadLetters,
      nextDueAt: this.#view.nextDueAt,
      remaining: typeof length === "number" ? length : null,
      settledAs:
        settlement?.outcomes.map((outcome, at) =>
          staying.has(at) ? "keep" : settledWithoutBrake(outcome),
        ) ?? null,
      now: this.#view.now,
      problem: problem ?? null,
    };
  }

  #countMax(request: ClaimRequest, isSettlingReturns: boolean): number {
    const fitting = this.#averageBytes
      ? Math.floor(this.#options.maxBatchBytes / Math.max(1, this.#averageBytes))
      : firstCountMax;
    const { listLength } = this.#view;
    const present = isSettlingReturns ? listLength : Math.max(1, listLength);
    return Math.min(request.countMax, Math.max(1, fitting), present);
  }

  async #batch(payloads: readonly ByteString[], request: ClaimRequest, sentAt: number): Promise<Batch> {
    this.#averageBytes = payloads.reduce((sum, payload) => sum + payload.length, 0) / payloads.length;
    const histories = this.#view.hasHistories ? await this.#view.readHistories(payloads) : [];
    return {
      id: `${this.#options.holder}.${++this.#batchCount}`,
      messages: payloads.map((raw, at) => ({ raw, ...(histories[at] ?? noHistory) })),
      expiresAt: 0,
      leaseEndsAt: sentAt + request.leaseMs,
    };
  }
}

function bytesOf(commands: readonly RedisCommand[]): number {
  return commands.flat().reduce<number>((sum, argument) => sum + String(argument).length, 0);
}

const nothingToSettle: PlainSettling = { pushes: [], removals: [] };

const nothing: TurnResult = {
  lostCount: 0,
  unsettledCount: 0,
  claim: "not-served",
  batch: null,
  recovered: 0,
  finishedCount: 0,
  nextDueAt: null,
  remaining: null,
  settledAs: null,
  deadLetters: [],
  now: 0,
  problem: null,
};
