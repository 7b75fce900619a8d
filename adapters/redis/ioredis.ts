import type { Redis } from "ioredis";
import { MissingPackageError, OptionError, type RedisClient, RedisReplyError } from "../../src/index.ts";
import {
  bytesToReply,
  lostConnection,
  readTcpOptions,
  type TcpDriver,
  type TcpOptions,
  tcpClient,
} from "./tcp.ts";

export type { TcpOptions as IoredisOptions } from "./tcp.ts";

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
export function ioredis(options: TcpOptions | Redis): RedisClient {
  if (isInstance(options)) {
    if (options.options.keyPrefix) {
      throw new OptionError(
        "ioredis",
        "a Redis without keyPrefix: it would rename some keys and not others",
        "one with it",
      );
    }
    return tcpClient(new IoredisDriver(async () => options.duplicate({ ...ourSettings })));
  }
  const { url, requestTimeoutMs } = readTcpOptions(options);
  return tcpClient(new IoredisDriver(() => create(url)), requestTimeoutMs);
}

class IoredisDriver implements TcpDriver {
  readonly name = "ioredis";
  readonly #create: () => Promise<Redis>;
  #redis: Promise<Redis> | undefined;

  constructor(create: () => Promise<Redis>) {
    this.#create = create;
  }

  async send(commands: readonly Buffer[][]): ReturnType<TcpDriver["send"]> {
    this.#redis ??= this.#open();
    const redis = await this.#redis;
    return Promise.all(
      commands.map(([name, ...args]) =>
        redis.callBuffer(String(name), ...args).then(bytesToReply, readError),
      ),
    );
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
    throw new MissingPackageError("ioredis", { cause });
  });
  return new loaded.Redis(url, { ...ourSettings });
}

function isInstance(options: unknown): options is Redis {
  return typeof (options as { callBuffer?: unknown } | null)?.callBuffer === "function";
}

function readError(error: unknown): RedisReplyError {
  // Only what Redis itself answered; all else is a lost connection.
  if (error instanceof Error && error.name === "ReplyError") return new RedisReplyError(error.message);
  throw lostConnection(error);
}
