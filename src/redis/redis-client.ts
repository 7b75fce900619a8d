import type { RedisReplyError } from "../errors.ts";

/**
 * Bytes in a string: each UTF-16 code unit is one byte, 0 to 255 (what `atob` returns). Redis keys and values are
 * bytes, not text; this form carries all of them through string code unharmed. `src/bytes.ts` converts.
 */
export type ByteString = string;

/** A reply as Redis gave it: bulk and status strings as bytes-in-a-string, integers as numbers, nil as null. */
export type RedisReply = ByteString | number | null | RedisReply[];

/** One command: its name and arguments. Strings are bytes-in-a-string; numbers go as their decimal text. */
export type RedisCommand = readonly [name: string, ...args: (ByteString | number)[]];

/** What may be said of one request, and not of the client. */
export interface RedisRequestOptions {
  /** How long to wait for the reply, in ms, before failing with a `RedisTransportError`. Default: the client's. */
  timeoutMs?: number;
  /** A key. In a cluster, commands that name no key go to the node that has it. */
  near?: ByteString | undefined;
}

/**
 * The port to a Redis: all that a driver must do. A driver never deserialises, never retries (the broker knows which
 * requests can be repeated, the driver does not), never logs, and never puts a payload or a token into an error.
 */
export interface RedisClient {
  /** What errors and logs call this client: `upstash`, `ioredis`, `node-redis`. */
  readonly name: string;

  /**
   * Runs one command in one request and resolves with its raw reply.
   * Throws `RedisReplyError` when Redis answers with an error, `RedisTransportError` when no usable answer came:
   * the command may have run all the same.
   */
  command(command: RedisCommand, options?: RedisRequestOptions): Promise<RedisReply>;

  /**
   * Runs several commands, in order, in one request where the driver can; not atomic. Resolves with one reply or one
   * `RedisReplyError` for each command, in their order: an error of one hides no result of another.
   * Throws `RedisTransportError` when no usable answer came: some, all or none may have run.
   */
  pipeline(
    commands: readonly RedisCommand[],
    options?: RedisRequestOptions,
  ): Promise<(RedisReply | RedisReplyError)[]>;

  /**
   * Runs one command that waits at the server, on a connection of its own, until it is answered or `signal` is aborted. Only
   * drivers that have connections have it. Throws as `command` does.
   */
  block?(
    command: RedisCommand,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<RedisReply>;

  /** Closes what the client itself opened; connections handed in by the user stay theirs. */
  close(): Promise<void>;
}
