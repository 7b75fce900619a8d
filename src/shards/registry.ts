import { numberOf, pipelined } from "../broker/replies.ts";
import { fromText } from "../bytes.ts";
import type { Clock } from "../clock.ts";
import { SpillwayError } from "../errors.ts";
import type { ByteString } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";
import { shardCountMax } from "./shard-names.ts";

/** How long an answer of the registry is good, ms. Reason: an idle tick is to cost one command. */
const readEveryMs = 60_000;

/** What Redis says about the shards of a list. */
export interface ShardCounts {
  /** How many shards producers push to. */
  readonly shards: number;
  /** How many shards drains visit: the most that there ever were, until an operator calls `reshard` with `forget`. */
  readonly visited: number;
}

/**
 * The count of a list's shards in Redis: the hash `{emails}:shards`. Its field `count` is the count, and each earlier count is a
 * field too, so that setting a lower count does not hide shards that may still hold messages.
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

  /** What Redis says, at most a minute old; null where no count was ever set. */
  async read(sender: Sender): Promise<ShardCounts | null> {
    const now = this.#clock.now();
    if (this.#counts && now - this.#readAt < readEveryMs) return this.#counts;
    const [reply] = await pipelined(sender, [["HGETALL", this.#key]]);
    this.#counts = countsIn(reply);
    this.#readAt = now;
    return this.#counts;
  }

  /** Throws where Redis holds another count. Where it holds none, this one is written. */
  async expect(shards: number, sender: Sender): Promise<ShardCounts> {
    let counts = await this.read(sender);
    if (counts === null) {
      // Another drain may be writing another count at the same time: then the one in Redis counts.
      await numberOf(sender, ["HSETNX", this.#key, "count", shards]);
      counts = await this.read(sender);
    }
    if (counts?.shards === shards) return counts;
    this.#counts = null;
    const said = counts?.shards;
    throw new SpillwayError(
      "shard-count",
      said
        ? `The list ${this.#list} has ${said} shards in Redis, but this drain's option shards is ${shards}. Set it to ${said} or, to change the count for all, call reshard with shards: ${shards}.`
        : `The count of shards that Redis keeps for the list ${this.#list} cannot be read. Call reshard with shards: ${shards}.`,
    );
  }

  /** Sets the count. Drains with another count get an error within a minute. */
  async set(shards: number, sender: Sender): Promise<ShardCounts> {
    this.#counts = null;
    const before = await this.read(sender);
    // Where no count was ever set, there may be drains of the list without shards.
    const fields = ["count", shards, shards, "", ...(before ? [before.shards, ""] : [])];
    await numberOf(sender, ["HSET", this.#key, ...fields]);
    this.#counts = null;
    return (await this.read(sender)) as ShardCounts;
  }

  /** Has drains visit only the shards that there are now. */
  async forgetOthers(sender: Sender): Promise<void> {
    const counts = await this.read(sender);
    // One shard needs no count, and without it, drains without the option may have the list.
    if (counts?.shards === 1) await numberOf(sender, ["DEL", this.#key]);
    if (!counts || counts.visited === counts.shards) return;
    const [reply] = await pipelined(sender, [["HKEYS", this.#key]]);
    const others = (reply as ByteString[]).filter((field) => Number(field) > counts.shards);
    if (others.length > 0) await numberOf(sender, ["HDEL", this.#key, ...others]);
    this.#counts = null;
  }
}

/** The counts in a reply; null for what cannot be read, which is then not overwritten either. */
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
