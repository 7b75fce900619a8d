import { pipelined, timeIn } from "../broker/replies.ts";
import { batchCounts } from "../broker/working-lists.ts";
import { toText } from "../bytes.ts";
import { RedisProtocolError } from "../errors.ts";
import * as limits from "../limits.ts";
import { checkOptions, integer, type Kinds } from "../options/option-kinds.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { Sender } from "../redis/sender.ts";

/** Options of `leases`, which throws `OptionError` for a bad one. */
export interface LeaseOptions {
  /** How many leases to read at most, those that end first, from 1 to 1,000. Default: 100. */
  max?: number;
}

/** A batch that a drain holds, or held until it died. */
export interface Lease {
  /** The Redis list that its messages came from. */
  readonly list: string;
  /** Names the batch: `<drain>.<number>`. */
  readonly batch: string;
  /** Names the drain that claimed it. */
  readonly drain: string;
  /** Messages of the batch. */
  readonly count: number;
  /** When the lease ends, epoch ms on Redis' own clock. */
  readonly endsAt: number;
  /** How long until then, ms, on Redis' own clock; below 0 where it has ended. */
  readonly endsInMs: number;
  /** Whether it has ended: then the next drain, or `recover()`, returns its messages to the list. */
  readonly isExpired: boolean;
}

const leaseKinds = {
  max: integer({ min: 1, max: limits.peekCountMax, default: 100 }),
} satisfies Kinds<LeaseOptions>;

export function checkLeaseOptions(options: LeaseOptions): Required<LeaseOptions> {
  return checkOptions(leaseKinds, options);
}

/** Reads the leases by one request and, where there are any, their sizes by another. */
export async function readLeases(sender: Sender, keys: ListKeys, max: number): Promise<Lease[]> {
  const [time, reply] = await pipelined(sender, [
    ["TIME"],
    ["ZRANGE", keys.leases, 0, max - 1, "WITHSCORES"],
  ]);
  const now = timeIn(time);
  if (now === null || !Array.isArray(reply))
    throw new RedisProtocolError("TIME must answer a time, and ZRANGE a list.");
  const ids = reply.filter((_, at) => at % 2 === 0).map(String);
  const counts = await batchCounts(sender, keys, ids);
  return ids.map((id, at) => {
    const batch = toText(id);
    // Behind the point stands the number of the claim.
    const endsAt = Math.floor(Number(reply[at * 2 + 1]));
    return {
      list: keys.name,
      batch,
      drain: batch.replace(/\.\d+$/, ""),
      count: counts[at] as number,
      endsAt,
      endsInMs: endsAt - now,
      isExpired: endsAt <= now,
    };
  });
}
