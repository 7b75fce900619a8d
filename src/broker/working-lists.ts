import { sha1Hex } from "../digest.ts";
import * as limits from "../limits.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { ByteString } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";
import type { DrainStats } from "./broker.ts";
import { evaluate } from "./evaluate.ts";
import { pipelined } from "./replies.ts";
import { adoptScript } from "./scripts/adopt.ts";

const adoptLists = { source: adoptScript, sha: sha1Hex(adoptScript) };

/** Reads the sizes of everything; what each working list holds in a second request, where there is one. */
export async function scriptedStats(sender: Sender, keys: ListKeys): Promise<DrainStats> {
  const { list, leases, delayed, dead, brake, control, parked, due } = keys;
  const [waiting, ids, delayedCount, deadCount, next, paused, parkedCount, parkedKeys, until] =
    await pipelined(sender, [
      ["LLEN", list],
      ["ZRANGE", leases, 0, -1],
      ["ZCARD", delayed],
      ["LLEN", dead],
      ["ZRANGE", delayed, 0, 0, "WITHSCORES"],
      ["HEXISTS", control, "paused"],
      ["ZCARD", parked],
      ["ZCARD", due],
      ["HGET", brake, "until"],
    ]);
  const batchIds = (ids as ByteString[]) ?? [];
  const counts = await batchCounts(sender, keys, batchIds);
  const nextDueAt = (next as ByteString[])[1];
  return {
    list: Number(waiting),
    working: counts.reduce((sum, count) => sum + count, 0),
    leases: batchIds.length,
    delayed: Number(delayedCount),
    dead: Number(deadCount),
    nextDueAt: nextDueAt === undefined ? null : Number(nextDueAt),
    paused: paused === 1,
    brakedUntil: until === null ? null : Number(until),
    parked: Number(parkedCount),
    parkedKeys: Number(parkedKeys),
  };
}

/** How many messages each batch holds, by one request; none where there is no batch. */
export async function batchCounts(
  sender: Sender,
  { base }: ListKeys,
  ids: readonly ByteString[],
): Promise<number[]> {
  if (ids.length === 0) return [];
  const counts = await pipelined(
    sender,
    ids.map((id) => ["LLEN", `${base}working:${id}`]),
  );
  return counts.map(Number);
}

/**
 * Looks at some keys for working lists that have no lease, from `cursor` ("0" at first), and gives those a lease that ends
 * after a grace, so that they are recovered. A repeat adopts nothing twice. Returns the next cursor, "0" at the end.
 */
export async function adoptWorkingLists(
  sender: Sender,
  { base, leases }: ListKeys,
  cursor: string,
): Promise<{ cursor: string; adopted: number }> {
  const prefix = `${base}working:`;
  const [[seconds], found] = (await pipelined(sender, [
    ["TIME"],
    ["SCAN", cursor, "MATCH", `${escapeGlob(prefix)}*`, "COUNT", limits.scanCount, "TYPE", "list"],
  ])) as [ByteString[], [ByteString, ByteString[]]];
  const [next, keys] = found;
  if (keys.length === 0) return { cursor: next, adopted: 0 };
  const endsAt = Number(seconds) * 1_000 + limits.adoptAfterMs;
  const ids = keys.map((key) => key.slice(prefix.length));
  const adopted = await evaluate(sender, adoptLists, [leases, ...keys], () => [endsAt, ...ids]);
  return { cursor: next, adopted: Number(adopted) };
}

function escapeGlob(text: ByteString): ByteString {
  return text.replace(/[\\*?[\]]/g, "\\$&");
}
