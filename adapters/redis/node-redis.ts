import { MissingPackageError, OptionError, type RedisClient, RedisReplyError } from "../../src/index.ts";
import { ClusterClient } from "./cluster.ts";
import { refusePrefix, requestTimeoutMsDefault } from "./options.ts";
import { type AddressMap, type NodeAddress, placeOf, reachBy } from "./slot-map.ts";
import { lostConnection, readTcpOptions, TcpClient, type TcpConnection, type TcpOptions } from "./tcp.ts";

export type { TcpOptions as NodeRedisOptions } from "./tcp.ts";

/** The part of a client of the package `redis` that is used here. */
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

/** The part of a cluster client of the package `redis` that is used here. */
export interface NodeRedisClusterLike {
  readonly slots: readonly unknown[];
  withTypeMapping(mapping: Record<number, unknown>): unknown;
}

interface InstanceOptions {
  readonly socket?: { readonly host?: string; readonly port?: number };
  readonly keyPrefix?: string;
}

interface ClusterInstanceOptions {
  readonly rootNodes?: readonly object[];
  readonly defaults?: object;
  readonly nodeAddressMap?: AddressMap;
  readonly keyPrefix?: unknown;
}

/** The classes of the errors that Redis itself answered. */
const replyErrors = new Set(["SimpleError", "BlobError", "ErrorReply"]);

/** RESP's bulk, simple and verbatim strings, by their type bytes; each is to arrive as a Buffer. */
const stringTypes = [36, 43, 61] as const;

/**
 * A request is sent once, at once or not at all, since only the broker knows which can be repeated. A lost connection stays lost;
 * the next request opens another. RESP2, because RESP3, which the maintenance notices need, changes the form of replies.
 */
const ourSettings = { RESP: 2, maintNotifications: "disabled", disableOfflineQueue: true } as const;
const ourSocket = { reconnectStrategy: false } as const;

/**
 * A client over `redis` (node-redis), an optional peer dependency that is loaded when first used: from `{ url }`, or from a client
 * or cluster client of your own. Yours is not touched: the client opens duplicates of it, with settings that are safe for a queue.
 * Throws `OptionError` for a URL that cannot work, and for a client with a `keyPrefix`.
 */
export function nodeRedis(options: TcpOptions | NodeRedisLike | NodeRedisClusterLike): RedisClient {
  if (isCluster(options)) {
    const { _options: settings = {} } = options as { _options?: ClusterInstanceOptions };
    refusePrefix("nodeRedis", settings.keyPrefix);
    if (!Array.isArray(settings.rootNodes) || settings.rootNodes.length === 0) {
      throw new OptionError("nodeRedis", "a cluster client with rootNodes", "another");
    }
    return clusterOf(settings.rootNodes, settings, requestTimeoutMsDefault);
  }
  if (isInstance(options)) {
    const { socket = {}, keyPrefix } = (options.options ?? {}) as InstanceOptions;
    refusePrefix("nodeRedis", keyPrefix);
    const place = `${socket.host ?? "localhost"}:${socket.port ?? 6379}`;
    // A blocking command may be silent for longer than the user's timeout for others; the client has its own limits.
    const settings = { ...ourSettings, socket: { ...socket, ...ourSocket, socketTimeout: undefined } };
    const open = (): Promise<TcpConnection> => connect(options.duplicate(settings), place);
    return new TcpClient({ name, place, open }, requestTimeoutMsDefault);
  }
  const { url, place, cluster, requestTimeoutMs } = readTcpOptions(options, "nodeRedis");
  if (cluster) return clusterOf([{ url }], {}, requestTimeoutMs);
  const open = async (): Promise<TcpConnection> => connect(await create({ url }), place);
  return new TcpClient({ name, place, open }, requestTimeoutMs);
}

const name = "node-redis";

/** Each node is reached with the settings of the first one to start from, and those that are for all. */
function clusterOf(
  rootNodes: readonly object[],
  { defaults = {}, nodeAddressMap }: ClusterInstanceOptions,
  requestTimeoutMs: number,
): RedisClient {
  let starts: Promise<NodeRedisLike[]> | undefined;
  const load = (): Promise<NodeRedisLike[]> => {
    starts ??= Promise.all(rootNodes.map((node) => create({ ...defaults, ...node })));
    return starts;
  };
  const socketOf = ({ options }: NodeRedisLike) => (options as InstanceOptions).socket ?? {};
  const driver = {
    name: "node-redis cluster",
    reach: reachBy(nodeAddressMap),
    seeds: async () =>
      (await load()).map(socketOf).map(({ host = "localhost", port = 6379 }) => ({ host, port })),
    open: async (address: NodeAddress) => {
      const [start] = (await load()) as [NodeRedisLike];
      const socket = { ...socketOf(start), ...address, ...ourSocket, socketTimeout: undefined };
      // The url would win.
      return connect(start.duplicate({ ...ourSettings, url: undefined, socket }), placeOf(address));
    },
  };
  return new ClusterClient(driver, requestTimeoutMs);
}

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

async function create(where: { readonly socket?: object; readonly url?: string }): Promise<NodeRedisLike> {
  const loaded = await import("redis").catch((cause: unknown) => {
    throw new MissingPackageError("redis", { cause });
  });
  const socket = { ...where.socket, ...ourSocket };
  return loaded.createClient({ ...where, ...ourSettings, socket }) as unknown as NodeRedisLike;
}

function isCluster(options: unknown): options is NodeRedisClusterLike {
  return isInstance(options) && Array.isArray((options as { slots?: unknown }).slots);
}

function isInstance(options: unknown): options is NodeRedisLike {
  return typeof (options as { withTypeMapping?: unknown } | null)?.withTypeMapping === "function";
}

function isReplyError(error: unknown): error is Error {
  return error instanceof Error && replyErrors.has(error.constructor.name);
}
