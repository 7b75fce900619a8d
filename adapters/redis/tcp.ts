import {
  ClosedError,
  OptionError,
  type RedisClient,
  type RedisCommand,
  RedisProtocolError,
  type RedisReply,
  RedisReplyError,
  type RedisRequestOptions,
  RedisTransportError,
} from "../../src/index.ts";
import { boolean, checkOptions, type Kinds } from "../../src/internals.ts";
import { failureCode } from "./failure-code.ts";
import { requestTimeoutMs, secret } from "./options.ts";

/** The address of a Redis that is reached over TCP. */
export interface TcpOptions {
  /** `redis://…` or `rediss://…`. */
  url: string;
  /** Whether it is a node of a Redis Cluster. The client then finds the others, and reaches them with the same settings. */
  cluster?: boolean;
  /** How long a request may take, ms. Default: 10,000. */
  requestTimeoutMs?: number;
}

/** What a package for Redis over TCP must do. */
export interface TcpDriver {
  readonly name: string;
  /** Host and port, for errors. */
  readonly place: string;
  /** A new connection, ready for commands. Rejects with `RedisTransportError`, or with Redis' `RedisReplyError`. */
  open(): Promise<TcpConnection>;
}

export interface TcpConnection {
  readonly isOpen: boolean;
  /** Writes all commands before it awaits the first reply: one round trip. Resolves with Redis' errors in their places. */
  send(commands: readonly Buffer[][]): Promise<unknown[]>;
  /** Ends the connection at once. Commands that still wait for a reply fail. */
  end(): void;
}

const kinds = {
  url: secret('a Redis URL, such as "redis://localhost:6379"; a password in it is percent-encoded'),
  cluster: boolean({ default: false }),
  requestTimeoutMs,
} satisfies Kinds<TcpOptions>;

/** Checks the options. Throws `OptionError`, without showing the URL, which may hold a password. */
export function readTcpOptions(options: TcpOptions, what: string): Required<TcpOptions> & { place: string } {
  const checked = checkOptions(kinds, options, what);
  const isUrl = !/\s/.test(checked.url) && URL.canParse(checked.url);
  const parsed = isUrl ? new URL(checked.url) : undefined;
  if (!parsed || !/^rediss?:$/.test(parsed.protocol)) {
    throw new OptionError("url", kinds.url.wanted, "another text");
  }
  if (!/^\/?\d*$/.test(parsed.pathname)) {
    throw new OptionError(
      "url",
      "a Redis URL, whose path is the number of a database or nothing",
      "another path",
    );
  }
  return { ...checked, place: `${parsed.hostname || "localhost"}:${parsed.port || 6379}` };
}

/**
 * A `RedisClient` over a driver: bytes in, bytes out, a bound on the wait, and one connection at a time. After a failed request,
 * its connection is not used again, since the other end may be gone without notice.
 */
export class TcpClient implements RedisClient {
  readonly name: string;
  readonly #driver: TcpDriver;
  readonly #requestTimeoutMs: number;
  #line: Line | undefined;
  readonly #blocked = new Set<Line>();
  #isClosed = false;

  constructor(driver: TcpDriver, requestTimeoutMs: number) {
    this.name = driver.name;
    this.#driver = driver;
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
    if (this.#isClosed) throw new ClosedError(`${this.name} client`);
    if (!this.#line?.isUsable) this.#line = new Line(this.#driver);
    const timeoutMs = options?.timeoutMs ?? this.#requestTimeoutMs;
    const replies = await this.#line.send(commands.map(toBuffers), timeoutMs).catch(this.#readFailure);
    return replies.map((reply, at) => readReply(reply, commands[at]));
  }

  async block(
    command: RedisCommand,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<RedisReply> {
    if (this.#isClosed) throw new ClosedError(`${this.name} client`);
    const line = new Line(this.#driver);
    this.#blocked.add(line);
    const end = (): void => line.end();
    signal.addEventListener("abort", end);
    try {
      const [reply] = await line.send([toBuffers(command)], timeoutMs).catch(this.#readFailure);
      const read = readReply(reply, command);
      if (read instanceof RedisReplyError) throw read;
      return read;
    } finally {
      signal.removeEventListener("abort", end);
      this.#blocked.delete(line);
      line.end();
    }
  }

  /** What `close` has cut off is no fault of the connection, and must not be sent again. */
  readonly #readFailure = (error: unknown): never => {
    throw this.#isClosed ? new ClosedError(`${this.name} client`) : error;
  };

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const line of [this.#line, ...this.#blocked]) line?.end();
  }
}

/** One connection, from before it is open until it has failed and no request waits for it any more. */
class Line {
  readonly #place: string;
  readonly #opening: Promise<TcpConnection>;
  #connection: TcpConnection | undefined;
  #waitingCount = 0;
  #hasFailed = false;
  #hasEnded = false;

  constructor(driver: TcpDriver) {
    this.#place = driver.place;
    this.#opening = driver.open().then((connection) => {
      this.#connection = connection;
      if (this.#hasEnded) connection.end();
      return connection;
    });
  }

  get isUsable(): boolean {
    return !this.#hasFailed && !this.#hasEnded && this.#connection?.isOpen !== false;
  }

  async send(commands: readonly Buffer[][], timeoutMs: number): Promise<unknown[]> {
    this.#waitingCount += 1;
    try {
      const replies = this.#opening.then((connection) => connection.send(commands));
      return await this.#within(timeoutMs, replies);
    } catch (error) {
      this.#hasFailed = true;
      throw error;
    } finally {
      this.#waitingCount -= 1;
      if (this.#hasFailed && this.#waitingCount === 0) this.end();
    }
  }

  end(): void {
    this.#hasEnded = true;
    this.#connection?.end();
  }

  /** Rejects with a `RedisTransportError` when no reply came in time; the commands may still run. */
  async #within<Reply>(timeoutMs: number, reply: Promise<Reply>): Promise<Reply> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<never>((_, reject) => {
      const message = `No reply within ${timeoutMs} ms from ${this.#place}.`;
      timer = setTimeout(() => reject(new RedisTransportError(message, { isRetryable: true })), timeoutMs);
    });
    try {
      return await Promise.race([reply, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What became of a connection, without the package's own words, which may quote the command. */
export function lostConnection(place: string, error: unknown): RedisTransportError {
  const code = failureCode(error);
  const detail = code === undefined ? "" : ` (${code})`;
  return new RedisTransportError(`The connection to ${place} failed${detail}.`, { isRetryable: true });
}

/** A package's reply, its Buffers as bytes-in-a-string; an error of Redis with the command it is about. */
function readReply(reply: unknown, command?: RedisCommand): RedisReply | RedisReplyError {
  if (reply instanceof Error) return new RedisReplyError(reply.message, command ? { command } : {});
  if (reply === null || reply === undefined) return null;
  if (typeof reply === "number" || typeof reply === "string") return reply;
  if (typeof reply === "bigint") return Number(reply);
  if (reply instanceof Uint8Array) {
    return Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength).toString("latin1");
  }
  // `EXEC` answers with an error in the place of each command that failed.
  if (Array.isArray(reply)) return reply.map((entry) => readReply(entry) as RedisReply);
  throw new RedisProtocolError(`A reply of type ${typeof reply} is not one that Redis gives over RESP2.`);
}

function toBuffers(command: RedisCommand): Buffer[] {
  return command.map((argument) => Buffer.from(String(argument), "latin1"));
}
