import { toText } from "../bytes.ts";
import { SpillwayError } from "../errors.ts";
import type { ListKeys } from "../redis/keys.ts";

/** A drain without the option `shards` runs on a list that has shards: it would leave their messages alone. */
export function shardedListError({ name, base }: ListKeys): SpillwayError {
  const text = `The list ${name} has shards, but this drain has no option shards. Set it to the field count of the hash ${toText(base)}shards or, to give up the shards, call reshard with shards: 1 and forget: true.`;
  return new SpillwayError("shard-count", text);
}
