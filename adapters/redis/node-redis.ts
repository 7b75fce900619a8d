import { MissingPackageError, type RedisClient, RedisReplyError } from "../../src/index.ts";
import { refusePrefix, requestTimeoutMsDefault } from "./options.ts";
import { lostConnection, readTcpOptions, TcpClient, type TcpConnection, type TcpOptions } from "./tcp.ts";

export type { TcpOptions as NodeRedisOptions } from "./tcp.ts";

/** What we use of a client of the package `redis`. */
export interface NodeRedisLike {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  readonly options?: unknown;
  connect(): Promise<unknown>;
  destroy(): void;
  duplicate(overrides: object): NodeRedisLike;
  on(event: "error", listener: (error: unknown) => void): unknown;
  withTypeMapping(mapping: Record<number, unknown>): { sendCommand(args: Buffer[]): Promise<unknown> };
}

interface InstanceOptions {
  readonly socket?: { readonly host?: string; readonly port?: number };
  readonly keyPrefix?: string;
}

/** The classes of the errors that Redis itself answered. */
const replyErrors = new Set(["SimpleError", "BlobError", "ErrorReply"]);

/** RESP's bulk, simple and verbatim strings, by their type bytes; each is to arrive as a Buffer. */
const stringTypes = [36, 43, 61] as const;

/**
 * A request is sent once, now or not at all: only the broker knows which can be repeated. A lost connection stays lost;
 * the next request opens another. And over RESP2: RESP3, which the maintenance notices want, reshapes replies.
 */
const ourSettings = { RESP: 2, maintNotifications: "disabled", disableOfflineQueue: true } as const;
const ourSocket = { reconnectStrategy: false } as const;

/**
 * A client over `redis` (node-redis, an optional peer, loaded when first used): from `{ url }`, or from a client of your
 * own, of which it opens duplicates with settings that are safe for a queue; yours is not touched. Throws `OptionError`
 * for a URL that cannot work, and for a client with a `keyPrefix`.
 */
export function nodeRedis(options: TcpOptions | NodeRedisLike): RedisClient {
  if (isInstance(options)) {
    const { socket = {}, keyPrefix } = (options.options ?? {}) as InstanceOptions;
    refusePrefix("nodeRedis", keyPrefix);
    const place = `${socket.host ?? "localhost"}:${socket.port ?? 6379}`;
    // A wait at the server may be silent for longer than you mean for other commands; we have limits of our own.
    const settings = { ...ourSettings, socket: { ...socket, ...ourSocket, socketTimeout: undefined } };
    const open = (): Promise<TcpConnection> => connect(options.duplicate(settings), place);
    return new TcpClient({ name, place, open }, requestTimeoutMsDefault);
  }
  const { url, place, requestTimeoutMs } = readTcpOptions(options, "nodeRedis");
  const open = async (): Promise<TcpConnection> => connect(await create(url), place);
  return new TcpClient({ name, place, open }, requestTimeoutMs);
}

const name = "node-redis";

async function connect(redis: NodeRedisLike, place: string): Promise<TcpConnection> {
  // Each failed request says so itself; without a listener, a lost connection would end the process.
  redis.on("error", () => undefined);
  await redis.connect().catch((error: unknown) => {
    if (isReplyError(error)) throw new RedisReplyError(error.message);
    throw lostConnection(place, error);
  });
  const binary = redis.withTypeMapping(Object.fromEntries(stringTypes.map((type) => [type, Buffer])));
  const readError = (error: unknown): Error => {
    // Only what Redis itself answered; all else is a lost connection.
    if (isReplyError(error)) return error;
    throw lostConnection(place, error);
  };
  return {
    get isOpen() {
      return redis.isReady;
    },
    send: (commands) => Promise.all(commands.map((command) => binary.sendCommand(command).catch(readError))),
    end: () => {
      if (redis.isOpen) redis.destroy();
    },
  };
}

async function create(url: string): Promise<NodeRedisLike> {
  const loaded = await import("redis").catch((cause: unknown) => {
    throw new MissingPackageError("redis", { cause });
  });
  return loaded.createClient({ ...ourSettings, url, socket: ourSocket }) as unknown as NodeRedisLike;
}

function isInstance(options: unknown): options is NodeRedisLike {
  return typeof (options as { withTypeMapping?: unknown } | null)?.withTypeMapping === "function";
}

function isReplyError(error: unknown): error is Error {
  return error instanceof Error && replyErrors.has(error.constructor.name);
}
