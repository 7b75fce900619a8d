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
  duplicate(overrides: object): NodeRedisLike;
  on(event: "error", listener: (error: unknown) => void): unknown;
  withTypeMapping(mapping: Record<number, unknown>): { sendCommand(args: Buffer[]): Promise<unknown> };
}

/** The classes of the errors that Redis itself answered. */
const replyErrors = new Set(["SimpleError", "BlobError", "ErrorReply"]);

const requestTimeoutMsDefault = 10_000;

/** RESP's bulk, simple and verbatim strings, by their type bytes; each is to arrive as a Buffer. */
const stringTypes = [36, 43, 61] as const;

/**
 * A request is sent once, now or not at all: only the broker knows which can be repeated. And over RESP2: RESP3 reshapes
 * replies.
 */
const ourSettings = { RESP: 2, maintNotifications: "disabled", disableOfflineQueue: true } as const;

/**
 * A client over `redis` (node-redis, an optional peer, loaded when first used): from `{ url }`, or from a client of your
 * own, of which it opens a duplicate with settings that are safe for a queue; yours is not touched.
 */
export function nodeRedis(options: NodeRedisOptions | NodeRedisLike): RedisClient {
  if ("withTypeMapping" in options) {
    return new NodeRedisClient(async () => options.duplicate({ ...ourSettings }), requestTimeoutMsDefault);
  }
  if (typeof options?.url !== "string" || !/^rediss?:\/\//.test(options.url)) {
    throw new OptionError("url", 'a Redis URL, such as "redis://localhost:6379"', "something else");
  }
  const { url } = options;
  return new NodeRedisClient(() => create(url), options.requestTimeoutMs ?? requestTimeoutMsDefault);
}

class NodeRedisClient implements RedisClient {
  readonly name = "node-redis";
  readonly #create: () => Promise<NodeRedisLike>;
  readonly #requestTimeoutMs: number;
  #redis: NodeRedisLike | undefined;
  #connecting: Promise<NodeRedisLike> | undefined;

  constructor(create: () => Promise<NodeRedisLike>, requestTimeoutMs: number) {
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
    const timeoutMs = options?.timeoutMs ?? this.#requestTimeoutMs;
    return withTimeout(this.#send(commands), timeoutMs);
  }

  async close(): Promise<void> {
    if (this.#redis?.isOpen) this.#redis.destroy();
  }

  async #send(commands: readonly RedisCommand[]): Promise<(RedisReply | RedisReplyError)[]> {
    const redis = await this.#connected();
    const binary = redis.withTypeMapping(Object.fromEntries(stringTypes.map((type) => [type, Buffer])));
    // All are written before the first reply is awaited: one round trip.
    return Promise.all(
      commands.map((command) => binary.sendCommand(commandToBuffers(command)).then(bytesToReply, readError)),
    );
  }

  /** The open connection, or a new one where there is none or the last was lost. */
  async #connected(): Promise<NodeRedisLike> {
    if (this.#redis?.isOpen && !this.#connecting) return this.#redis;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(): Promise<NodeRedisLike> {
    const redis = await this.#create();
    this.#redis = redis;
    // Each failed request says so itself; without a listener, a lost connection would end the process.
    redis.on("error", () => undefined);
    await redis.connect().catch((error: unknown) => {
      throw lostConnection(error);
    });
    return redis;
  }
}

async function create(url: string): Promise<NodeRedisLike> {
  const loaded = await import("redis").catch((cause: unknown) => {
    throw new RedisProtocolError('The package "redis" is not installed: npm install redis.', { cause });
  });
  return loaded.createClient({
    ...ourSettings,
    url,
    socket: { reconnectStrategy: false },
  }) as unknown as NodeRedisLike;
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
