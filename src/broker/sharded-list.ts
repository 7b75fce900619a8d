import { toText } from "../bytes.ts";
import { SpillwayError } from "../errors.ts";
import type { ListKeys } from "../redis/keys.ts";

/** A drain that was told of no shards is at a list that has some: it would leave what they hold alone. */
export function shardedListError({ name, base }: ListKeys): SpillwayError {
  const text = `The list ${name} has shards, and this drain was told of none: give it the count that stands in ${toText(base)}shards, or give them up by reshard with shards: 1 and forget: true.`;
  return new SpillwayError("shard-count", text);
}
