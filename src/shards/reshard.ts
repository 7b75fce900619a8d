import { numberOf } from "../broker/replies.ts";
import { systemClock } from "../clock.ts";
import { SpillwayError } from "../errors.ts";
import {
  boolean,
  checkOptions,
  integer,
  type Kinds,
  object,
  required,
  text,
} from "../options/option-kinds.ts";
import { listKeys } from "../redis/keys.ts";
import type { RedisClient } from "../redis/redis-client.ts";
import { Sender } from "../redis/sender.ts";
import { ShardRegistry } from "./registry.ts";
import { checkShards, shardCountMax, shardName } from "./shard-names.ts";

/** Options of `reshard`, which throws `OptionError` for a bad one. */
export interface ReshardOptions {
  /** The `RedisClient`. */
  redis: RedisClient;
  /** The list, as drains name it. */
  list: string;
  /** How many shards it is to have, from 1 to 1,024. */
  shards: number;
  /**
   * Whether drains need visit the shards no more that lie above. Throws where one of them holds anything. Do it when no
   * producer pushes by the old count any more.
   * @default false
   */
  forget?: boolean;
}

const kinds = {
  redis: required(object<RedisClient>({ methods: ["command", "pipeline"], wanted: "a RedisClient" })),
  list: required(text()),
  shards: required(integer({ min: 1, max: shardCountMax })),
  forget: boolean({ default: false }),
} satisfies Kinds<ReshardOptions>;

/**
 * Sets how many shards a list has, for all its drains and producers: those with another count get an error, within a minute.
 * Nothing moves and nothing is lost: drains go on visiting every shard that there ever was. Messages of one key that wait
 * in their old shard may run beside newer ones of it. Throws the Redis errors.
 */
export async function reshard(options: ReshardOptions): Promise<void> {
  const { redis, list, shards, forget } = checkOptions(kinds, options);
  checkShards(list, shards);
  const requestTimeoutMs = 10_000;
  const clock = systemClock;
  const giveUpAt = Number.POSITIVE_INFINITY;
  const senderFor = (name: string): Sender =>
    new Sender({ client: redis, clock, requestTimeoutMs, giveUpAt, near: listKeys(name).list });
  const registry = new ShardRegistry(list, clock);
  const { visited } = await registry.set(shards, senderFor(list));
  if (!forget) return;
  // One shard is the list itself, and then all others lie above.
  for (let at = shards === 1 ? 0 : shards; at < visited; at++) {
    const name = shardName(list, at, shardCountMax);
    const { list: own, delayed, parked, leases, dead, sharedWorking } = listKeys(name);
    const places = [own, delayed, parked, leases, dead, sharedWorking];
    const held = await numberOf(senderFor(name), ["EXISTS", ...places]);
    if (held > 0) {
      throw new SpillwayError(
        "shard-count",
        `The shard ${name} still holds messages or dead letters: let drains empty it, redrive or purge its dead letters, and call reshard again. All else is done.`,
      );
    }
  }
  await registry.forgetOthers(senderFor(list));
}
