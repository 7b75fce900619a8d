import type { Redis, RedisOptions } from "ioredis";
import { MissingPackageError, type RedisClient, RedisReplyError } from "../../src/index.ts";
import { refusePrefix, requestTimeoutMsDefault } from "./options.ts";
import { lostConnection, readTcpOptions, TcpClient, type TcpConnection, type TcpOptions } from "./tcp.ts";

export type { TcpOptions as IoredisOptions } from "./tcp.ts";

/**
 * A request is sent once, and not again when a connection is lost: only the broker knows which can be repeated. A lost
 * connection stays lost; the next request opens another. And over RESP2: RESP3, the default, reshapes replies.
 */
const ourSettings = {
  protocol: 2,
  lazyConnect: true,
  enableReadyCheck: false,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null,
  autoResendUnfulfilledCommands: false,
  enableAutoPipelining: false,
  // A wait at the server may be longer than what its user means for other commands; we have limits of our own.
  commandTimeout: undefined,
  socketTimeout: undefined,
  blockingTimeout: undefined,
} as const satisfies RedisOptions;

/**
 * A client over `ioredis` (an optional peer, loaded when first used): from `{ url }`, or from a `Redis` of your own, of
 * which it opens duplicates with settings that are safe for a queue; yours is not touched. Throws `OptionError` for a URL
 * that cannot work, and for an instance with a `keyPrefix`.
 */
export function ioredis(options: TcpOptions | Redis): RedisClient {
  if (isInstance(options)) {
    const { keyPrefix, host, port, path } = options.options;
    refusePrefix("ioredis", keyPrefix);
    const place = path ?? `${host}:${port}`;
    const open = (): Promise<TcpConnection> => connect(options.duplicate({ ...ourSettings }), place);
    return new TcpClient({ name, place, open }, requestTimeoutMsDefault);
  }
  const { url, place, requestTimeoutMs } = readTcpOptions(options, "ioredis");
  const open = async (): Promise<TcpConnection> => connect(await create(url), place);
  return new TcpClient({ name, place, open }, requestTimeoutMs);
}

const name = "ioredis";

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
      // Else it would wait for a farewell that a dead end never sends.
      redis.stream?.destroy();
    },
  };
}

/** Commands whose arguments or replies ioredis reshapes, but for those in capitals, which are the same to Redis. */
const reshaped = new Set(["hgetall", "hmset", "hset", "mset", "msetnx", "vsim"]);

function unreshaped(command: string): string {
  return reshaped.has(command) ? command.toUpperCase() : command;
}

async function create(url: string): Promise<Redis> {
  const loaded = await import("ioredis").catch((cause: unknown) => {
    throw new MissingPackageError("ioredis", { cause });
  });
  return new loaded.Redis(url, { ...ourSettings });
}

function isInstance(options: unknown): options is Redis {
  return typeof (options as { callBuffer?: unknown } | null)?.callBuffer === "function";
}

function isReplyError(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}
