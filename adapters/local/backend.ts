import type { RedisClient, RedisCommand, RedisReply, RedisReplyError } from "../../src/index.ts";

/** What the REST server stands in front of: a client that also runs transactions. */
export interface Backend extends RedisClient {
  /**
   * Runs commands as one `MULTI`/`EXEC`. Resolves with one reply or error for each; throws `RedisReplyError` where the
   * whole was discarded.
   */
  transaction(commands: readonly RedisCommand[]): Promise<(RedisReply | RedisReplyError)[]>;
}
