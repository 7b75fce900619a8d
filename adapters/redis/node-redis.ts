import { MissingPackageError, type RedisClient, RedisReplyError } from "../../src/index.ts";
import {
  bytesToReply,
  lostConnection,
  readTcpOptions,
  type TcpDriver,
  type TcpOptions,
  tcpClient,
} from "./tcp.ts";

export type { TcpOptions as NodeRedisOptions } from "./tcp.ts";

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

/** RESP's bulk, simple and verbatim strings, by their type bytes; each is to arrive as a Buffer. */
const stringTypes = [36, 43, 61] as const;

/**
 * A request is sent once, now or not at all: only the broker knows which can be repeated. And over RESP2: RESP3, which
 * the maintenance notices want, reshapes replies.
 */
const ourSettings = { RESP: 2, maintNotifications: "disabled", disableOfflineQueue: true } as const;

/**
 * A client over `redis` (node-redis, an optional peer, loaded when first used): from `{ url }`, or from a client of your
 * own, of which it opens a duplicate with settings that are safe for a queue; yours is not touched.
 */
export function nodeRedis(options: TcpOptions | NodeRedisLike): RedisClient {
  if (options && "withTypeMapping" in options) {
    return tcpClient(new NodeRedisDriver(async () => options.duplicate({ ...ourSettings })));
  }
  const { url, requestTimeoutMs } = readTcpOptions(options);
  return tcpClient(new NodeRedisDriver(() => create(url)), requestTimeoutMs);
}

class NodeRedisDriver implements TcpDriver {
  readonly name = "node-redis";
  readonly #create: () => Promise<NodeRedisLike>;
  #redis: NodeRedisLike | undefined;
  #connecting: Promise<NodeRedisLike> | undefined;

  constructor(create: () => Promise<NodeRedisLike>) {
    this.#create = create;
  }

  async send(commands: readonly Buffer[][]): ReturnType<TcpDriver["send"]> {
    const redis = await this.#connected();
    const binary = redis.withTypeMapping(Object.fromEntries(stringTypes.map((type) => [type, Buffer])));
    return Promise.all(commands.map((command) => binary.sendCommand(command).then(bytesToReply, readError)));
  }

  async close(): Promise<void> {
    if (this.#redis?.isOpen) this.#redis.destroy();
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
    throw new MissingPackageError("redis", { cause });
  });
  const socket = { reconnectStrategy: false } as const;
  return loaded.createClient({ ...ourSettings, url, socket }) as unknown as NodeRedisLike;
}

function readError(error: unknown): RedisReplyError {
  // Only what Redis itself answered; all else is a lost connection.
  if (error instanceof Error && replyErrors.has(error.constructor.name))
    return new RedisReplyError(error.message);
  throw lostConnection(error);
}
