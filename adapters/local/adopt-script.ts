import type { ByteString, RedisReply } from "../../src/index.ts";
import type { Call } from "./store/store.ts";

/** `src/broker/scripts/adopt.ts` in TypeScript, for the embedded store. */
export function adopt(call: Call, keys: readonly ByteString[], args: readonly ByteString[]): RedisReply {
  const [leases, ...working] = keys as [ByteString, ...ByteString[]];
  const [endsAt, ...batches] = args as [ByteString, ...ByteString[]];
  let adopted = 0;
  for (const [at, key] of working.entries()) {
    if (call(["EXISTS", key]) !== 1) continue;
    adopted += Number(call(["ZADD", leases, "NX", endsAt, batches[at] as ByteString]));
  }
  return adopted;
}
