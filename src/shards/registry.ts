import { numberOf, pipelined } from "../broker/replies.ts";
import { fromText } from "../bytes.ts";
import type { Clock } from "../clock.ts";
import { SpillwayError } from "../errors.ts";
import type { ByteString } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";
import { shardCountMax } from "./shard-names.ts";

/** How long what the registry said counts, ms. Reason: an idle tick costs one command. */
const readEveryMs = 60_000;

/** What Redis says of the shards of a list. */
export interface ShardCounts {
  /** Producers push to so many. */
  readonly shards: number;
  /** Drains visit so many: the most that there ever were, until an operator has the rest forgotten. */
  readonly visited: number;
}

/**
 * How many shards a list has, in Redis: `{emails}:shards`, a hash. Its field `count` is the count, and each count that there
 * ever was is a field too, so that no one who sets another can lower what is visited.
 */
export class ShardRegistry {
  readonly #list: string;
  readonly #key: ByteString;
  readonly #clock: Pick<Clock, "now">;
  #counts: ShardCounts | null = null;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(list: string, clock: Pick<Clock, "now">) {
    this.#list = list;
    this.#key = fromText(`{${list}}:shards`);
    this.#clock = clock;
  }

  /** What Redis says, at most a minute old; null where no one has said anything. */
  async read(sender: Sender): Promise<ShardCounts | null> {
    const now = this.#clock.now();
    if (this.#counts && now - this.#readAt < readEveryMs) return this.#counts;
    const [reply] = await pipelined(sender, [["HGETALL", this.#key]]);
    this.#counts = countsIn(reply);
    this.#readAt = now;
    return this.#counts;
  }

  /** Throws where Redis says another count; where it says none, this one is written. */
  async expect(shards: number, sender: Sender): Promise<ShardCounts> {
    let counts = await this.read(sender);
    if (counts === null) {
      // Someone else may be doing the same with another count: what Redis then says, counts.
      await numberOf(sender, ["HSETNX", this.#key, "count", shards]);
      counts = await this.read(sender);
    }
    if (counts?.shards === shards) return counts;
    this.#counts = null;
    const said = counts?.shards;
    throw new SpillwayError(
      "shard-count",
      said
        ? `The list ${this.#list} has ${said} shards in Redis, and this drain was told ${shards}. Give it shards: ${said}; or, to change the count for all, call reshard with shards: ${shards}.`
        : `The count of shards that Redis keeps for the list ${this.#list} cannot be read. Call reshard with shards: ${shards}.`,
    );
  }

  /** Sets the count. Who else has another gets an error within a minute. */
  async set(shards: number, sender: Sender): Promise<ShardCounts> {
    this.#counts = null;
    const before = await this.read(sender);
    // Where no one has said anything, there may be drains of a list without shards.
    const fields = ["count", shards, shards, "", ...(before ? [before.shards, ""] : [])];
    await numberOf(sender, ["HSET", this.#key, ...fields]);
    this.#counts = null;
    return (await this.read(sender)) as ShardCounts;
  }

  /** Lets drains visit no more than there are. */
  async forgetOthers(sender: Sender): Promise<void> {
    const counts = await this.read(sender);
    // Of one shard nothing need be known, and then drains without shards may have the list.
    if (counts?.shards === 1) await numberOf(sender, ["DEL", this.#key]);
    if (!counts || counts.visited === counts.shards) return;
    const [reply] = await pipelined(sender, [["HKEYS", this.#key]]);
    const others = (reply as ByteString[]).filter((field) => Number(field) > counts.shards);
    if (others.length > 0) await numberOf(sender, ["HDEL", this.#key, ...others]);
    this.#counts = null;
  }
}

/** What cannot be read is no count: Redis then gets none of ours either. */
function countsIn(reply: unknown): ShardCounts | null {
  const fields = Array.isArray(reply) ? reply : [];
  const names = fields.filter((_, at) => at % 2 === 0);
  const shards = Number(fields[fields.indexOf("count") + 1]);
  if (!names.includes("count") || !isCount(shards)) return null;
  return { shards, visited: Math.max(shards, ...names.map(Number).filter(isCount)) };
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= shardCountMax;
}
