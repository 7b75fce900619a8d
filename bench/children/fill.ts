/** Puts the messages of a run into an empty Redis, in a process of its own. Usage: fill.ts <order as JSON> */
import { Redis } from "ioredis";
import { peers } from "../peers/index.ts";
import type { Peer } from "../peers/types.ts";
import type { Order } from "./run.ts";

const order = JSON.parse(process.argv[2] as string) as Order;
const { place, count } = order;
const peer: Peer = peers[order.peer];
const side = new Redis(place.redisUrl, { protocol: 2 });

await side.flushall();
await leaveStuck(order.stuckCount ?? 0);
for (let from = 0; from < count; from += 50_000) await peer.fill(place, payloadsFrom(from));
process.send?.({ count });
process.exit();

function payloadsFrom(from: number): string[] {
  const length = Math.min(50_000, count - from);
  return Array.from({ length }, (_, at) => `${from + at}:`.padEnd(order.payloadBytes, "x"));
}

/** For Spillway a batch that another drain holds; for a shared working list what lies in it. */
async function leaveStuck(stuckCount: number): Promise<void> {
  for (let from = 0; from < stuckCount; from += 1_000) {
    const stuck = Array.from({ length: Math.min(1_000, stuckCount - from) }, (_, at) => `stuck ${from + at}`);
    await side.lpush(order.peer.startsWith("Spillway") ? "{bench}:working:other.1" : "working", ...stuck);
  }
  if (stuckCount > 0) await side.zadd("{bench}:leases", Date.now() + 86_400_000, "other.1");
}
