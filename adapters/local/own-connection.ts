import type { Duplex } from "node:stream";
import type { Redis, RedisOptions } from "ioredis";
import { MissingPackageError, type RedisCommand, RedisTransportError } from "../../src/index.ts";
import { safeReplyText } from "../../src/internals.ts";
import type { IoredisOptions } from "../redis/ioredis.ts";
import { ReplyCutter, writeCommand } from "./resp2.ts";

const settings = {
  protocol: 2,
  lazyConnect: true,
  enableReadyCheck: false,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null,
  disableClientInfo: true,
} as const satisfies RedisOptions;

const timeoutMsDefault = 10_000;

/**
 * A connection to Redis that is used without a client, for replies that a client would change, and for commands that need a whole
 * connection. ioredis opens it, with its TLS and its log-in, and then leaves it alone.
 */
export class OwnConnection {
  readonly #redis: Redis;
  readonly #stream: Duplex;
  readonly #cutter = new ReplyCutter();
  /** Replies that no one has taken yet. */
  readonly #unread: Buffer[] = [];
  #take: ((reply: Buffer) => void) | undefined;
  readonly #onEnd: (() => void)[] = [];

  readonly #timeoutMs: number;

  private constructor(redis: Redis, timeoutMs: number) {
    this.#redis = redis;
    this.#timeoutMs = timeoutMs;
    this.#stream = redis.stream;
    this.#stream.removeAllListeners("data");
    this.#stream.on("data", (chunk: Buffer) => {
      for (const reply of this.#cutter.push(chunk)) {
        if (this.#take) this.#take(reply);
        else this.#unread.push(reply);
      }
    });
    this.#stream.once("close", () => {
      for (const tell of this.#onEnd) tell();
    });
  }

  /** Throws `RedisTransportError` where there is no such Redis, and `MissingPackageError` without ioredis. */
  static async open(options: IoredisOptions | Redis): Promise<OwnConnection> {
    const redis = await create(options);
    const timeoutMs = ("requestTimeoutMs" in options && options.requestTimeoutMs) || timeoutMsDefault;
    // Failures are reported where they matter; without a listener, one would end the process.
    redis.on("error", () => undefined);
    try {
      await within(timeoutMs, redis.connect());
      // Once this is answered, nothing that ioredis has sent waits for a reply any more.
      await within(timeoutMs, redis.ping());
      // Where Redis refuses another database, ioredis goes on with database 0.
      if (redis.options.db) await within(timeoutMs, redis.select(redis.options.db));
    } catch (error) {
      redis.disconnect();
      const text = error instanceof Error ? safeReplyText(error.message) : "no reason was given";
      throw new RedisTransportError(`No connection to Redis: ${text}`, { isRetryable: true });
    }
    return new OwnConnection(redis, timeoutMs);
  }

  /** Sends commands. Resolves with the bytes of their replies. */
  async send(commands: readonly RedisCommand[]): Promise<Buffer[]> {
    const replies: Buffer[] = [];
    const whole = new Promise<Buffer[]>((resolve, reject) => {
      this.#onEnd.push(() => reject(new Error("the connection ended")));
      this.onReply((reply) => {
        replies.push(reply);
        if (replies.length === commands.length) {
          this.#take = undefined;
          resolve(replies);
        }
      });
    });
    this.#stream.write(Buffer.concat(commands.map(writeCommand)));
    try {
      return await within(this.#timeoutMs, whole);
    } catch {
      throw new RedisTransportError("The connection to Redis ended before the reply.", { isRetryable: true });
    }
  }

  /** Takes every reply from now on, and those that nobody has taken. */
  onReply(take: (reply: Buffer) => void): void {
    this.#take = take;
    for (const reply of this.#unread.splice(0)) take(reply);
  }

  onEnd(tell: () => void): void {
    this.#onEnd.push(tell);
    if (this.#stream.destroyed) tell();
  }

  end(): void {
    this.#redis.disconnect();
    this.#stream.destroy();
  }
}

async function create(options: IoredisOptions | Redis): Promise<Redis> {
  if ("duplicate" in options) return options.duplicate(settings);
  const loaded = await import("ioredis").catch((cause: unknown) => {
    throw new MissingPackageError("ioredis", { cause });
  });
  return new loaded.Redis(options.url, settings);
}

async function within<Value>(timeoutMs: number, value: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no reply within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([value, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
