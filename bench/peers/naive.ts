import { Redis } from "@upstash/redis";
import { fillList } from "./lists.ts";
import { type Peer, queueName } from "./types.ts";

/** What one writes first: a message at a time, RPOPLPUSH and LREM. */
export const naive: Peer = {
  transport: "rest",
  fill: fillList,
  async consume({ url, token }, { handler }) {
    const redis = new Redis({ url, token, automaticDeserialization: false, enableAutoPipelining: false });
    for (;;) {
      const payload = await redis.lmove<string>(queueName, "working", "right", "left");
      if (payload === null) return;
      await handler(payload);
      await redis.lrem("working", 1, payload);
    }
  },
};
