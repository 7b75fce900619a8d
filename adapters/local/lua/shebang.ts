import { type ByteString, RedisReplyError } from "../../../src/index.ts";

const knownFlags = new Set(["no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys"]);

/** The script without `#!lua flags=…`, its line kept so that errors name the right one. */
export function withoutFlags(source: ByteString): ByteString {
  if (!source.startsWith("#!")) return source;
  const end = source.indexOf("\n");
  if (end < 0) throw new RedisReplyError("ERR Invalid script shebang");
  const [engine, ...words] = source.slice(0, end).trim().split(/\s+/);
  if (engine !== "#!lua") throw new RedisReplyError(`ERR Unexpected engine in script shebang: ${engine}`);
  for (const word of words) {
    if (!word.startsWith("flags=")) throw new RedisReplyError(`ERR Unknown lua shebang option: ${word}`);
    for (const flag of word.slice("flags=".length).split(",")) {
      if (flag !== "" && !knownFlags.has(flag)) {
        throw new RedisReplyError(`ERR Unexpected flag in script shebang: ${flag}`);
      }
    }
  }
  return source.slice(end);
}
