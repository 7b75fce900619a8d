import { bee } from "./bee.ts";
import { bullmq } from "./bullmq.ts";
import { naive } from "./naive.ts";
import { pipelined } from "./pipelined.ts";
import { spillway } from "./spillway.ts";
import type { Peer } from "./types.ts";
import { upstashQueue } from "./upstash-queue.ts";
import { wireOverRest, wireOverTcp } from "./wire.ts";

/** Every peer, by its name in tables. */
export const peers = {
  "Spillway, REST": spillway("rest"),
  "Spillway, TCP": spillway("tcp"),
  "naive loop": naive,
  "pipelined loop": pipelined(1),
  "pipelined loop, LREM −1": pipelined(-1),
  "@upstash/queue": upstashQueue,
  BullMQ: bullmq,
  "bee-queue": bee,
  "wire limit, REST": wireOverRest,
  "wire limit, TCP": wireOverTcp,
} satisfies Record<string, Peer>;

export type PeerName = keyof typeof peers;
