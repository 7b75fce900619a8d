import {
  OptionError,
  type RedisClient,
  type RedisCommand,
  RedisProtocolError,
  type RedisReply,
  RedisReplyError,
  RedisTransportError,
} from "../../src/index.ts";

/** Where a Redis is that is reached over TCP. */
export interface TcpOptions {
  /** `redis://…` or `rediss://…`. */
  url: string;
  /** How long a request may take, ms. Default: 10,000. */
  requestTimeoutMs?: number;
}

/** What a package for Redis over TCP must do for us. */
export interface TcpDriver {
  readonly name: string;
  /** Writes all before the first reply is awaited: one round trip. Rejects with `RedisTransportError`. */
  send(commands: readonly Buffer[][]): Promise<(RedisReply | RedisReplyError)[]>;
  close(): Promise<void>;
}

const requestTimeoutMsDefault = 10_000;

/** Checks the options. Throws `OptionError`, without showing the URL, which may hold a password. */
export function readTcpOptions(options: TcpOptions): TcpOptions {
  if (typeof options?.url !== "string" || !/^rediss?:\/\//.test(options.url)) {
    throw new OptionError("url", 'a Redis URL, such as "redis://localhost:6379"', "something else");
  }
  const { requestTimeoutMs } = options;
  if (requestTimeoutMs !== undefined && !(Number.isInteger(requestTimeoutMs) && requestTimeoutMs > 0)) {
    throw new OptionError("requestTimeoutMs", "a whole number of ms of at least 1", String(requestTimeoutMs));
  }
  return options;
}

/** A `RedisClient` over a driver: bytes in, bytes out, and a bound on how long to wait. */
export function tcpClient(driver: TcpDriver, requestTimeoutMs = requestTimeoutMsDefault): RedisClient {
  const pipeline: RedisClient["pipeline"] = (commands, options) =>
    withTimeout(driver.send(commands.map(toBuffers)), options?.timeoutMs ?? requestTimeoutMs);
  return {
    name: driver.name,
    pipeline,
    async command(command, options) {
      const [reply] = await pipeline([command], options);
      if (reply instanceof RedisReplyError) throw reply;
      return reply as RedisReply;
    },
    close: () => driver.close(),
  };
}

/** A package's reply, its Buffers as bytes-in-a-string. */
export function bytesToReply(reply: unknown): RedisReply {
  if (reply === null || reply === undefined) return null;
  if (typeof reply === "number" || typeof reply === "string") return reply;
  if (typeof reply === "bigint") return Number(reply);
  if (reply instanceof Uint8Array) {
    return Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength).toString("latin1");
  }
  // `EXEC` answers with an error in the place of each command that failed.
  if (Array.isArray(reply)) return reply.map(bytesToReply);
  if (reply instanceof Error) return new RedisReplyError(reply.message) as unknown as RedisReply;
  throw new RedisProtocolError(`A reply of type ${typeof reply} is not one Redis gives over RESP2.`);
}

/** What became of a connection, without the package's own words, which may quote the command. */
export function lostConnection(error: unknown): RedisTransportError {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  const detail = typeof code === "string" ? code : typeof name === "string" ? name : "unknown";
  return new RedisTransportError(`The connection failed (${detail}).`, { isRetryable: true });
}

function toBuffers(command: RedisCommand): Buffer[] {
  return command.map((argument) => Buffer.from(String(argument), "latin1"));
}

/** Rejects with a `RedisTransportError` when no reply came in time; the commands may still run. */
async function withTimeout<Reply>(reply: Promise<Reply>, timeoutMs: number): Promise<Reply> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new RedisTransportError(`No reply within ${timeoutMs} ms.`, { isRetryable: true })),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([reply, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
