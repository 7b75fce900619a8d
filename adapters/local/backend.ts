import type { RedisClient, RedisCommand, RedisReply, RedisReplyError } from "../../src/index.ts";

/** The Redis behind the REST server: a client that also runs transactions, and can listen. */
export interface Backend extends RedisClient {
  /**
   * Runs commands as one `MULTI`/`EXEC`. Resolves with one reply or error for each; throws `RedisReplyError` where the
   * whole was discarded.
   */
  transaction(commands: readonly RedisCommand[]): Promise<(RedisReply | RedisReplyError)[]>;
  /** Runs commands in order. Resolves with what Redis writes for each over RESP2, errors too. */
  raw(commands: readonly RedisCommand[]): Promise<Uint8Array[]>;
  /**
   * Runs `SUBSCRIBE`, `PSUBSCRIBE` or `MONITOR` on a connection of its own, until the returned function is called or the
   * backend is closed. Rejects where Redis refuses it.
   */
  listen(command: RedisCommand, listener: BackendListener): Promise<() => void>;
}

/** Called with what a listening connection receives. */
export interface BackendListener {
  /** Each reply, the first one included: of `MONITOR` a line, of a subscription an array. */
  onReply(reply: RedisReply): void;
  /** The connection was lost. Nothing follows. */
  onEnd(): void;
}
