import type { ByteString, RedisReply } from "../../src/index.ts";
import { sha1Hex } from "../../src/internals.ts";
import type { Call } from "./store/store.ts";

/** `src/broker/scripts/take-dead.ts` in TypeScript, for the embedded store. */
export function takeDead(call: Call, keys: readonly ByteString[], args: readonly ByteString[]): RedisReply {
  const [list, dead] = keys as [ByteString, ByteString];
  const [mode, order, first, last, ...digests] = args as [ByteString, ByteString, ByteString, ByteString];
  const wanted: ByteString[] = [...digests];
  const window = call(["LRANGE", dead, first, last]) as ByteString[];
  if (order === "oldest") window.reverse();
  const taken = window.filter((entry) => {
    const at = wanted.indexOf(sha1Hex(entry));
    if (at >= 0) wanted.splice(at, 1);
    return at >= 0;
  });
  const payloads = taken.map((entry) =>
    entry.startsWith('{"id":"') ? entry.slice(entry.indexOf("\n") + 1) : entry,
  );
  if (taken.length > 0 && mode === "redrive") call(["LPUSH", list, ...payloads]);
  for (const entry of taken) call(["LREM", dead, order === "oldest" ? -1 : 1, entry]);
  return taken.length;
}
