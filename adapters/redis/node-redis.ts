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
export interface NodeRedisOptions {
  /** `redis://…` or `rediss://…`. */
  url: string;
  /** How long a request may take, ms. Default: 10,000. */
  requestTimeoutMs?: number;
}

/** What we use of a client of the package `redis`. */
export interface NodeRedisLike {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  destroy(): void;
  on(event: "error", listener: (error: unknown) => void): unknown;
  withTypeMapping(mapping: Record<number, unknown>): { sendCommand(args: Buffer[]): Promise<unknown> };
}

/** The classes of the errors that Redis itself answered. */
const replyErrors = new Set(["SimpleError", "BlobError", "ErrorReply"]);

const requestTimeoutMsDefault = 10_000;

/** RESP's bulk, simple and verbatim strings, by their type bytes; each is to arrive as a Buffer. */
const stringTypes = [36, 43, 61] as const;

/**
 * A client over `redis` (node-redis, an optional peer, loaded when first used): from `{ url }`, whose connection it
 * opens and closes, or from a client of your own, which stays yours and is connected if it is not yet.
 */
export function nodeRedis(options: NodeRedisOptions | NodeRedisLike): RedisClient {
  if ("withTypeMapping" in options) {
    return new NodeRedisClient(() => connected(options), requestTimeoutMsDefault, false);
  }
  if (typeof options?.url !== "string" || !/^rediss?:\/\//.test(options.url)) {
    throw new OptionError("url", 'a Redis URL, such as "redis://localhost:6379"', "something else");
  }
  const { url } = options;
  return new NodeRedisClient(() => open(url), options.requestTimeoutMs ?? requestTimeoutMsDefault, true);
}

class NodeRedisClient implements RedisClient {
  readonly name = "node-redis";
  readonly #open: () => Promise<NodeRedisLike>;
  readonly #requestTimeoutMs: number;
  readonly #isOurs: boolean;
  #redis: Promise<NodeRedisLike> | undefined;

  constructor(open: () => Promise<NodeRedisLike>, requestTimeoutMs: number, isOurs: boolean) {
    this.#open = open;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#isOurs = isOurs;
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
    const timeoutMs = options?.timeoutMs ?? this.#requestTimeoutMs;
    return withTimeout(this.#send(commands), timeoutMs);
  }

  async close(): Promise<void> {
    if (this.#isOurs && this.#redis)
      await this.#redis.then(
        (redis) => redis.destroy(),
        () => undefined,
      );
  }

  async #send(commands: readonly RedisCommand[]): Promise<(RedisReply | RedisReplyError)[]> {
    let redis: NodeRedisLike;
    try {
      this.#redis ??= this.#open();
      redis = await this.#redis;
      if (!redis.isOpen) {
        this.#redis = this.#open();
        redis = await this.#redis;
      }
    } catch (error) {
      // The next request tries to connect anew.
      this.#redis = undefined;
      throw error instanceof RedisProtocolError ? error : lostConnection(error);
    }
    const binary = redis.withTypeMapping(Object.fromEntries(stringTypes.map((type) => [type, Buffer])));
    // All are written before the first reply is awaited: one round trip.
    return Promise.all(
      commands.map((command) => binary.sendCommand(commandToBuffers(command)).then(bytesToReply, readError)),
    );
  }
}

async function open(url: string): Promise<NodeRedisLike> {
  const loaded = await import("redis").catch((cause: unknown) => {
    throw new RedisProtocolError('The package "redis" is not installed: npm install redis.', { cause });
  });
  const client = loaded.createClient({
    url,
    RESP: 2,
    // A request is sent once, now or not at all: only the broker knows which can be repeated.
    disableOfflineQueue: true,
    socket: { reconnectStrategy: false },
  }) as unknown as NodeRedisLike;
  // Each failed request says so itself; without a listener, a lost connection would end the process.
  client.on("error", () => undefined);
  return connected(client);
}

async function connected(client: NodeRedisLike): Promise<NodeRedisLike> {
  if (!client.isOpen) await client.connect();
  return client;
}

function readError(error: unknown): RedisReplyError {
  // Only what Redis itself answered; all else is a lost connection.
  if (error instanceof Error && replyErrors.has(error.constructor.name))
    return new RedisReplyError(error.message);
  throw lostConnection(error);
}

function lostConnection(error: unknown): RedisTransportError {
  const name = error instanceof Error ? error.name : "Error";
  return new RedisTransportError(`The connection failed (${name}).`, { isRetryable: true });
}
