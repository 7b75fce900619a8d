import type { Redis } from "ioredis";
import {
  OptionError,
  type RedisClient,
  type RedisCommand,
  RedisProtocolError,
  type RedisReply,
  RedisReplyError,
  type RedisRequestOptions,
  RedisTransportError,
} from "../../src/index.ts";
import { bytesToReply, commandToBuffers, withTimeout } from "./tcp.ts";

/** Where the Redis is. */
export interface IoredisOptions {
  /** `redis://…` or `rediss://…`. */
  url: string;
  /** How long a request may take, ms. Default: 10,000. */
  requestTimeoutMs?: number;
}

const requestTimeoutMsDefault = 10_000;

/**
 * A request is sent once, and not again when a connection is lost: only the broker knows which can be repeated. And over
 * RESP2: RESP3, the default, reshapes replies.
 */
const ourSettings = {
  protocol: 2,
  enableReadyCheck: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  enableAutoPipelining: false,
} as const;

/**
 * A client over `ioredis` (an optional peer, loaded when first used): from `{ url }`, or from a `Redis` of your own, of
 * which it opens a duplicate with settings that are safe for a queue; yours is not touched. Throws `OptionError` for an
 * instance with a `keyPrefix`.
 */
export function ioredis(options: IoredisOptions | Redis): RedisClient {
  if (isInstance(options)) {
    if (options.options.keyPrefix) {
      throw new OptionError(
        "ioredis",
        "a Redis without keyPrefix: it would rename some keys and not others",
        "one with it",
      );
    }
    return new IoredisClient(async () => options.duplicate({ ...ourSettings }), requestTimeoutMsDefault);
  }
  if (typeof options?.url !== "string" || !/^rediss?:\/\//.test(options.url)) {
    throw new OptionError("url", 'a Redis URL, such as "redis://localhost:6379"', "something else");
  }
  const { url } = options;
  return new IoredisClient(() => create(url), options.requestTimeoutMs ?? requestTimeoutMsDefault);
}

class IoredisClient implements RedisClient {
  readonly name = "ioredis";
  readonly #create: () => Promise<Redis>;
  readonly #requestTimeoutMs: number;
  #redis: Promise<Redis> | undefined;

  constructor(create: () => Promise<Redis>, requestTimeoutMs: number) {
    this.#create = create;
    this.#requestTimeoutMs = requestTimeoutMs;
  }

  async command(command: RedisCommand, options?: RedisRequestOptions): Promise<RedisReply> {
    const [reply] = await this.pipeline([command], options);
    if (reply instanceof RedisReplyError) throw reply;
    return reply as RedisReply;
  }

  async pipeline(
    commands: readonly RedisCommand[],
    options?: RedisRequestOptions,
  ): Promise<(RedisReply | RedisReplyError)[]> {
    this.#redis ??= this.#open();
    const redis = await this.#redis;
    // All are written before the first reply is awaited: one round trip.
    const sent = commands.map((command) => {
      const [name, ...args] = commandToBuffers(command);
      return redis.callBuffer(String(name), ...args).then(bytesToReply, readError);
    });
    return withTimeout(Promise.all(sent), options?.timeoutMs ?? this.#requestTimeoutMs);
  }

  async close(): Promise<void> {
    if (this.#redis) (await this.#redis).disconnect();
  }

  async #open(): Promise<Redis> {
    const redis = await this.#create();
    // Each failed request says so itself; without a listener, a lost connection would end the process.
    redis.on("error", () => undefined);
    return redis;
  }
}

async function create(url: string): Promise<Redis> {
  const loaded = await import("ioredis").catch((cause: unknown) => {
    throw new RedisProtocolError('The package "ioredis" is not installed: npm install ioredis.', { cause });
  });
  return new loaded.Redis(url, { ...ourSettings });
}

function isInstance(options: unknown): options is Redis {
  return typeof (options as { callBuffer?: unknown } | null)?.callBuffer === "function";
}

function readError(error: unknown): RedisReplyError {
  // Only what Redis itself answered; all else is a lost connection.
  if (error instanceof Error && error.name === "ReplyError") return new RedisReplyError(error.message);
  const name = error instanceof Error ? error.name : "Error";
  throw new RedisTransportError(`The connection failed (${name}).`, { isRetryable: true });
}
