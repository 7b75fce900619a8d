import type { Cluster, Redis, RedisOptions } from "ioredis";
import { MissingPackageError, OptionError, type RedisClient, RedisReplyError } from "../../src/index.ts";
import { ClusterClient } from "./cluster.ts";
import { refusePrefix, requestTimeoutMsDefault } from "./options.ts";
import { type AddressMap, type NodeAddress, placeOf, reachBy } from "./slot-map.ts";
import { lostConnection, readTcpOptions, TcpClient, type TcpConnection, type TcpOptions } from "./tcp.ts";

export type { TcpOptions as IoredisOptions } from "./tcp.ts";

/**
 * A request is sent once, and not again when a connection is lost, since only the broker knows which can be repeated. A lost
 * connection stays lost; the next request opens another. RESP2, because RESP3, the default, changes the form of replies.
 */
const ourSettings = {
  protocol: 2,
  lazyConnect: true,
  enableReadyCheck: false,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null,
  autoResendUnfulfilledCommands: false,
  enableAutoPipelining: false,
  // A blocking command may take longer than the user's timeout for other commands; the client has its own limits.
  commandTimeout: undefined,
  socketTimeout: undefined,
  blockingTimeout: undefined,
} as const satisfies RedisOptions;

/**
 * A client over `ioredis`, an optional peer dependency that is loaded when first used: from `{ url }`, or from a `Redis` or
 * `Cluster` of your own. Yours is not touched: the client opens duplicates of it, with settings that are safe for a queue. Throws
 * `OptionError` for a URL that cannot work, and for an instance with a `keyPrefix`.
 */
export function ioredis(options: TcpOptions | Redis | Cluster): RedisClient {
  if (isCluster(options)) {
    refusePrefix("ioredis", options.options.keyPrefix);
    const { startupNodes } = options as unknown as { startupNodes?: unknown };
    if (options.options.useSRVRecords || !Array.isArray(startupNodes) || startupNodes.length === 0) {
      throw new OptionError("ioredis", "a Cluster with nodes to start from, and no SRV records", "another");
    }
    return clusterOf(startupNodes, options.options, requestTimeoutMsDefault);
  }
  if (isInstance(options)) {
    const { keyPrefix, host, port, path } = options.options;
    refusePrefix("ioredis", keyPrefix);
    const place = path ?? `${host}:${port}`;
    const open = (): Promise<TcpConnection> => connect(options.duplicate({ ...ourSettings }), place);
    return new TcpClient({ name, place, open }, requestTimeoutMsDefault);
  }
  const { url, place, cluster, requestTimeoutMs } = readTcpOptions(options, "ioredis");
  if (cluster) return clusterOf([url], {}, requestTimeoutMs);
  const open = async (): Promise<TcpConnection> => connect(await create(url), place);
  return new TcpClient({ name, place, open }, requestTimeoutMs);
}

const name = "ioredis";

/** Each node is reached with the settings of the first one to start from, and those that are for all. */
function clusterOf(
  startupNodes: readonly unknown[],
  { redisOptions, natMap }: Cluster["options"],
  requestTimeoutMs: number,
): RedisClient {
  let starts: Promise<Redis[]> | undefined;
  const load = (): Promise<Redis[]> => {
    starts ??= Promise.all(startupNodes.map((node) => create(node, redisOptions)));
    return starts;
  };
  const driver = {
    name: "ioredis cluster",
    reach: reachBy(natMap as AddressMap | undefined),
    seeds: async () =>
      (await load()).map(({ options: { host = "127.0.0.1", port = 6379 } }) => ({ host, port })),
    open: async (address: NodeAddress) => {
      const [start] = (await load()) as [Redis];
      return connect(start.duplicate({ ...address, db: 0 }), placeOf(address));
    },
  };
  return new ClusterClient(driver, requestTimeoutMs);
}

async function connect(redis: Redis, place: string): Promise<TcpConnection> {
  // Each failed request says so itself; without a listener, a lost connection would end the process.
  let why: unknown;
  redis.on("error", (error: unknown) => {
    why = error;
  });
  await redis.connect().catch((error: unknown) => {
    if (isReplyError(why)) throw new RedisReplyError(why.message);
    throw lostConnection(place, why ?? error);
  });
  // It tells a refused SELECT only so, and would go on with database 0.
  if (isReplyError(why)) {
    redis.disconnect();
    throw new RedisReplyError(why.message);
  }
  const readError = (error: unknown): Error => {
    // Only what Redis itself answered; all else is a lost connection.
    if (isReplyError(error)) return error;
    throw lostConnection(place, why ?? error);
  };
  return {
    get isOpen() {
      return redis.status === "ready";
    },
    send: (commands) =>
      Promise.all(
        commands.map(([command, ...args]) =>
          redis.callBuffer(unreshaped(String(command)), ...args).catch(readError),
        ),
      ),
    end: () => {
      redis.disconnect();
      // Otherwise it would wait for the other end to close, which a dead one never does.
      redis.stream?.destroy();
    },
  };
}

/** Commands whose arguments or replies ioredis changes, unless their names are written in capitals, which Redis takes too. */
const reshaped = new Set(["hgetall", "hmset", "hset", "mset", "msetnx", "vsim"]);

function unreshaped(command: string): string {
  return reshaped.has(command) ? command.toUpperCase() : command;
}

/** Opens a `Redis` by a URL, a port, or settings. These settings win over those that are for all. */
async function create(where: unknown, forAll: object = {}): Promise<Redis> {
  const loaded = await import("ioredis").catch((cause: unknown) => {
    throw new MissingPackageError("ioredis", { cause });
  });
  const own = typeof where === "object" ? where : {};
  const settings: Omit<RedisOptions, "replyMapping"> = { ...forAll, ...own, ...ourSettings };
  return typeof where === "object" ? new loaded.Redis(settings) : new loaded.Redis(where as string, settings);
}

function isCluster(options: unknown): options is Cluster {
  return isInstance(options) && (options as { isCluster?: unknown }).isCluster === true;
}

function isInstance(options: unknown): options is Redis {
  return typeof (options as { callBuffer?: unknown } | null)?.callBuffer === "function";
}

function isReplyError(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}
