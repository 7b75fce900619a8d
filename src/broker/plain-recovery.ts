import { sha1Hex } from "../digest.ts";
import { RedisTooLargeError } from "../errors.ts";
import * as limits from "../limits.ts";
import { deadLetterEntry, deadLetterTail } from "../operations/dead-letter.ts";
import type { ByteString, RedisCommand } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";
import { type History, readDelayed, writeHistory } from "./history.ts";
import { type Observation, observe } from "./observation.ts";
import { partsOf, sendEachOnce } from "./plain-sending.ts";
import { type PlainPlaces, pushDeadLetters } from "./plain-settle.ts";
import type { PlainView } from "./plain-view.ts";
import { pipelined, unlessError } from "./replies.ts";

export interface PlainRecoveryOptions extends PlainPlaces {
  readonly sender: Sender;
  readonly holder: string;
  readonly visibilityTimeoutMs: number;
  readonly maxAttempts: number;
}

/** What a look at the shared working list and the delayed set changed. */
export interface Recovered {
  readonly recovered: number;
  /** As the list holds them. */
  readonly deadLetters: readonly ByteString[];
  /** Redis' own clock, ms; 0 where nothing had to be changed. */
  readonly now: number;
}

const nothingRecovered: Recovered = { recovered: 0, deadLetters: [], now: 0 };

/** Watches the shared working list, returns messages that have been there too long, and promotes those that are due. */
export class PlainRecovery {
  readonly #sender: Sender;
  readonly #options: PlainRecoveryOptions;
  readonly #view: PlainView;
  #isRemovable = false;

  constructor(options: PlainRecoveryOptions, view: PlainView) {
    this.#options = options;
    this.#sender = options.sender;
    this.#view = view;
  }

  /**
   * Throws where this user may not remove anything from the working list. It is asked before anything is pushed elsewhere, since
   * a message would then be in two places. Redis is asked once, by removing a value that is not there.
   */
  async expectRemovable(): Promise<void> {
    if (this.#isRemovable) return;
    const { workingList, holder } = this.#options;
    unlessError((await sendEachOnce(this.#sender, [["LREM", workingList, 1, `${holder} asks`]]))[0]);
    this.#isRemovable = true;
  }

  async recover(): Promise<Recovered> {
    const { workingList, visibilityTimeoutMs } = this.#options;
    const { list, seen, attempts, delayed } = this.#options.keys;
    const look = (countMax: number) =>
      pipelined(this.#sender, [
        ["TIME"],
        ["LRANGE", workingList, -countMax, -1],
        ["HGETALL", seen],
        ["LLEN", list],
        ["EXISTS", attempts],
        ["ZRANGE", delayed, 0, 0, "WITHSCORES"],
      ]);
    const [time, working, seenSince, length, hasAttempts, next] = await asManyAsFit(
      limits.recoverCountMax,
      look,
    );
    this.#view.listLength = Number(length);
    this.#view.hasHistories = hasAttempts === 1;
    const [seconds = 0, micros = 0] = (time as ByteString[]).map(Number);
    const now = seconds * 1_000 + Math.floor(micros / 1_000);
    this.#view.sawTime(now);
    const observation = observe(working as ByteString[], seenSince as ByteString[], now, visibilityTimeoutMs);
    await this.#note(observation, now);
    this.#view.sawDelayed(next);
    const isDue = this.#view.nextDueAt !== null && this.#view.nextDueAt <= now;
    if (observation.stuck.length === 0 && !isDue) return nothingRecovered;
    return this.#alone(async () => {
      if (isDue) await this.#promote(now);
      if (observation.stuck.length > 0) await this.expectRemovable();
      const given: Recovered[] = [];
      for (const part of partsOf(observation.stuck, this.#options.maxBatchBytes / 2, (payload) => payload))
        given.push(await this.#giveBack(part, now));
      return {
        now,
        recovered: given.reduce((sum, { recovered }) => sum + recovered, 0),
        deadLetters: given.flatMap(({ deadLetters }) => deadLetters),
      };
    });
  }

  async #note(observation: Observation, now: number): Promise<void> {
    const { seen } = this.#options.keys;
    const commands: RedisCommand[] = [];
    if (observation.appeared.length > 0) {
      commands.push(["HSET", seen, ...observation.appeared.flatMap((digest) => [digest, now])]);
    }
    if (observation.gone.length > 0) commands.push(["HDEL", seen, ...observation.gone]);
    if (commands.length > 0) await pipelined(this.#sender, commands);
  }

  /** Lets one drain at a time return and promote messages; for others there is nothing to do meanwhile. */
  async #alone(work: () => Promise<Recovered>): Promise<Recovered> {
    const { recovering } = this.#options.keys;
    const [isMine] = await sendEachOnce(this.#sender, [
      ["SET", recovering, this.#options.holder, "NX", "PX", limits.recoveringMs],
    ]);
    if (unlessError(isMine) !== "OK") return nothingRecovered;
    const result = await work();
    const [freed] = await sendEachOnce(this.#sender, [["DEL", recovering]]);
    unlessError(freed);
    return result;
  }

  /** Pushes before it removes, so that a crash in between leaves a message twice and never loses it. */
  async #promote(now: number): Promise<void> {
    const { list, delayed, attempts } = this.#options.keys;
    const look = (countMax: number) =>
      this.#sender.command(() => ["ZRANGEBYSCORE", delayed, "-inf", now, "LIMIT", 0, countMax]);
    const due = (await asManyAsFit(limits.promoteCountMax, look)) as ByteString[];
    const read = due.map(readDelayed);
    const histories = read.flatMap(({ history, payload }): RedisCommand[] =>
      history ? [["HSET", attempts, sha1Hex(payload), history]] : [],
    );
    // A message whose push is refused must not be removed from the delayed set.
    for (const reply of await sendEachOnce(this.#sender, [
      ...histories,
      // One command each, since a payload that is not UTF-8 must be the last argument of its command.
      ...read.map(({ payload }): RedisCommand => ["LPUSH", list, payload]),
    ]))
      unlessError(reply);
    const replies = await sendEachOnce(this.#sender, [
      ...due.map((member): RedisCommand => ["ZREM", delayed, member]),
      ["ZRANGE", delayed, 0, 0, "WITHSCORES"],
    ]);
    this.#view.sawDelayed(replies.map(unlessError).at(-1));
    this.#view.hasHistories = true;
    this.#view.listLength += due.length;
  }

  async #giveBack(stuck: readonly ByteString[], now: number): Promise<Recovered> {
    const { workingList, maxAttempts } = this.#options;
    const { list, seen, attempts } = this.#options.keys;
    const histories = await this.#view.readHistories(stuck);
    const back: ByteString[] = [];
    const deadLetters: ByteString[] = [];
    const notes: RedisCommand[] = [];
    const removals: Record<"back" | "dead", RedisCommand[]> = { back: [], dead: [] };
    for (const [at, payload] of stuck.entries()) {
      const history = histories[at] as History;
      const count = history.earlierAttempts + 1;
      const firstFailedAt = history.firstFailedAt ?? now;
      const digest = sha1Hex(payload);
      const isDead = count >= maxAttempts;
      if (isDead) {
        const head = { id: `${digest}.${now}`, attempts: count, firstFailedAt, lastFailedAt: now };
        deadLetters.push(deadLetterEntry(head, deadLetterTail({ reason: "crashed" }, 1), payload));
        removals.dead.push(["HDEL", attempts, digest]);
      } else {
        back.push(payload);
        const grown = writeHistory({ attempts: count, crashes: history.crashes + 1, firstFailedAt });
        notes.push(["HSET", attempts, digest, grown]);
      }
      removals[isDead ? "dead" : "back"].push(["LREM", workingList, -1, payload], ["HDEL", seen, digest]);
    }
    if (back.length > 0) await this.#move([["RPUSH", list, ...back], ...notes], removals.back);
    if (deadLetters.length > 0) await this.#move(pushDeadLetters(deadLetters, this.#options), removals.dead);
    this.#view.hasHistories = true;
    this.#view.listLength += back.length;
    return { recovered: back.length, deadLetters, now };
  }

  /** Removes messages only after the first push has put them elsewhere. Throws the first refusal. */
  async #move(pushes: RedisCommand[], removals: RedisCommand[]): Promise<void> {
    const pushed = await sendEachOnce(this.#sender, pushes);
    unlessError(pushed[0]);
    const removed = await sendEachOnce(this.#sender, removals);
    for (const reply of [...pushed, ...removed]) unlessError(reply);
  }
}

/** Reads so many messages, or as many of them as the server puts into one reply. */
async function asManyAsFit<Read>(countMax: number, read: (countMax: number) => Promise<Read>): Promise<Read> {
  try {
    return await read(countMax);
  } catch (error) {
    if (!(error instanceof RedisTooLargeError) || countMax < 2) throw error;
    return asManyAsFit(countMax >> 1, read);
  }
}
