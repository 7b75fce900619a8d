import type { Redis } from "ioredis";

/**
 * OffBroadway.Redis 0.4 (formerly BroadwayRedis), as far as Redis sees it: its `RedixClient` sends these commands and no
 * others. What Elixir does between them is the test's.
 */
export class Broadway {
  readonly #redis: Redis;
  readonly #list: string;
  readonly #workingList: string;

  constructor(redis: Redis, options: { readonly list: string; readonly workingList: string }) {
    this.#redis = redis;
    this.#list = options.list;
    this.#workingList = options.workingList;
  }

  /** `receive_messages`: a pipeline of so many `RPOPLPUSH`, from 2 to 20. For a demand of 1 it sends nothing. */
  async pop(count: number): Promise<string[]> {
    if (count < 2) return [];
    const pipeline = this.#redis.pipeline();
    for (let at = 0; at < count; at++) pipeline.rpoplpush(this.#list, this.#workingList);
    const replies = await pipeline.exec();
    return (replies ?? []).map(([, payload]) => payload).filter((payload) => typeof payload === "string");
  }

  /** `ack`: an `LREM` from the tail for each message that succeeded. It does nothing for those that failed. */
  async ack(successful: readonly string[]): Promise<void> {
    for (let first = 0; first < successful.length; first += 20) {
      const pipeline = this.#redis.pipeline();
      for (const payload of successful.slice(first, first + 20))
        pipeline.lrem(this.#workingList, -1, payload);
      await pipeline.exec();
    }
  }
}
