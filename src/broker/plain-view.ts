import { sha1Hex } from "../digest.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { ByteString, RedisReply } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";
import { type History, readHistory } from "./history.ts";

/** What the plain engine knows of a list from its last looks: no script can look for it. */
export class PlainView {
  readonly #sender: Sender;
  readonly #keys: ListKeys;
  /** Whether any message may have a history. */
  hasHistories = false;
  /** The most messages worth asking for: what the list held when last looked, for each asked and missing one is billed. */
  listLength = 0;
  nextDueAt: number | null = null;
  /** What Redis' clock shows ahead of ours, ms. */
  #aheadMs = 0;

  constructor(sender: Sender, keys: ListKeys) {
    this.#sender = sender;
    this.#keys = keys;
  }

  /** Redis' clock as far as it is known, ms. */
  get now(): number {
    return Math.round(this.#sender.now() + this.#aheadMs);
  }

  sawTime(redisNow: number): void {
    this.#aheadMs = redisNow - this.#sender.now();
  }

  /** Takes the first member of the delayed set, with its score. */
  sawDelayed(first: RedisReply | undefined): void {
    const [, dueAt] = first as ByteString[];
    this.nextDueAt = dueAt === undefined ? null : Number(dueAt);
  }

  async readHistories(payloads: readonly ByteString[]): Promise<History[]> {
    const digests = payloads.map(sha1Hex);
    const found = await this.#sender.command(() => ["HMGET", this.#keys.attempts, ...digests]);
    return (found as RedisReply[]).map((text) => readHistory(typeof text === "string" ? text : undefined));
  }
}
