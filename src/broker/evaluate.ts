import { RedisReplyError } from "../errors.ts";
import type { ByteString, RedisReply } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";

/** A script and the digest that Redis knows it by. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

/**
 * Runs a script by its digest, and by its source where Redis does not know it (any more). `makeArgs` is told whether an
 * earlier sending may have run, by the digest or by the source: a Redis that ran it may die and forget it.
 */
export async function evaluate(
  sender: Sender,
  script: Script,
  keys: readonly ByteString[],
  makeArgs: (mayHaveRun: boolean) => readonly (ByteString | number)[],
): Promise<RedisReply> {
  const { sha, source } = sender.fromLeft?.script(script, keys) ?? script;
  let hasRun = false;
  try {
    return await sender.command((mayHaveRun) => {
      hasRun = mayHaveRun;
      return ["EVALSHA", sha, keys.length, ...keys, ...makeArgs(mayHaveRun)];
    });
  } catch (error) {
    if (!(error instanceof RedisReplyError) || error.prefix !== "NOSCRIPT") throw error;
    return sender.command((mayHaveRun) => [
      "EVAL",
      source,
      keys.length,
      ...keys,
      ...makeArgs(hasRun || mayHaveRun),
    ]);
  }
}
