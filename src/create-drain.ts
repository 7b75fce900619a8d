import { plainBroker } from "./broker/plain.ts";
import { scriptedBroker } from "./broker/scripted.ts";
import type { Broker, DrainStats } from "./broker.ts";
import { fromText } from "./bytes.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Codec, jsonCodec } from "./codec.ts";
import type { ChainPosition, Continuation } from "./continuation.ts";
import { runDeadline, Stopper } from "./deadline.ts";
import { runDrain } from "./drain.ts";
import { OptionError } from "./errors.ts";
import { type ListKeys, listKeys } from "./keys.ts";
import { checkOptions, drainOptionRows, runOptionRows } from "./options.ts";
import type { BatchHandler, Handler } from "./processor.ts";
import { type Pushable, pushMessages } from "./push.ts";
import type { ByteString, RedisClient } from "./redis-client.ts";
import type { DrainReport } from "./report.ts";
import { Sender } from "./sender.ts";

/** Options of `createDrain`; the README's table gives meaning, unit and default of each. */
export interface DrainOptions<Value = unknown> {
  redis: RedisClient;
  list: string;
  handler?: Handler<Value>;
  batchHandler?: BatchHandler<Value>;
  batchSize?: number;
  maxBatchBytes?: number;
  concurrency?: number;
  prefetch?: 0 | 1;
  leaseMs?: number;
  maxConcurrency?: number;
  reserveMs?: number;
  requestTimeoutMs?: number;
  engine?: "scripted" | "plain";
  workingList?: string;
  visibilityTimeoutMs?: number;
  codec?: Codec<Value>;
  continuation?: Continuation;
  onProgress?: (report: DrainReport) => void;
  clock?: Clock;
  randomId?: () => string;
}

/** Options of one run. */
export interface RunOptions {
  budgetMs?: number;
  signal?: AbortSignal;
  maxMessages?: number;
  chain?: ChainPosition;
}

/** A drain of one list: stateless between calls, so it may be made once and run by any number of invocations. */
export interface Drain {
  readonly list: string;
  /**
   * Claims and handles messages until the list is empty or the budget ends. Never rejects for what Redis or a handler
   * does: the report says it. Throws `OptionError` for bad options.
   */
  run(options?: RunOptions): Promise<DrainReport>;
  /** Returns the messages of expired leases to the list, at most 1,000 a call. Throws the Redis errors. */
  recover(): Promise<{ recovered: number }>;
  /** Reads how many messages are where. Throws the Redis errors. */
  stats(): Promise<DrainStats>;
  /**
   * Pushes messages to the left end, the first given first. Throws `RedisTransportError` where the reply was lost:
   * whether the messages are in the list is then not known, and it is not sent again.
   */
  push(payloads: Pushable | readonly Pushable[]): Promise<{ length: number }>;
}

/** Makes a drain. Throws `OptionError` naming the option, what it must be, and what was given. */
export function createDrain<Value = unknown>(options: DrainOptions<Value>): Drain {
  const checked = checkOptions(drainOptionRows, options) as unknown as Settings;
  const { handler, batchHandler } = options;
  if (handler !== undefined && batchHandler !== undefined) {
    throw new OptionError("handler", "given alone, or batchHandler in its place", "both");
  }
  if (handler === undefined && batchHandler === undefined) {
    throw new OptionError("handler", "a function, or batchHandler in its place", "neither");
  }
  for (const method of ["command", "pipeline"] as const) {
    if (typeof options.redis[method] !== "function") {
      throw new OptionError(
        "redis",
        "a RedisClient, as upstash(…), ioredis(…) or nodeRedis(…) make it",
        "an object without its methods",
      );
    }
  }
  const keys = listKeys(options.list);
  const workingList = options.workingList === undefined ? keys.sharedWorking : fromText(options.workingList);
  refuseOwnKeys(workingList, keys, checked);
  return new ListDrain({ ...defaults, ...checked }, keys, workingList);
}

type Settings = Required<
  Pick<
    DrainOptions,
    | "redis"
    | "batchSize"
    | "maxBatchBytes"
    | "concurrency"
    | "prefetch"
    | "maxConcurrency"
    | "reserveMs"
    | "requestTimeoutMs"
    | "engine"
    | "visibilityTimeoutMs"
    | "codec"
    | "clock"
    | "randomId"
  >
> &
  Pick<DrainOptions, "handler" | "batchHandler" | "leaseMs" | "workingList" | "continuation" | "onProgress">;

const defaults = { codec: jsonCodec, clock: systemClock, randomId };

/** 64 random bits in hexadecimal. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function refuseOwnKeys(workingList: ByteString, keys: ListKeys, checked: Settings): void {
  if (checked.workingList === undefined) return;
  if (checked.engine !== "plain") {
    throw new OptionError(
      "workingList",
      'given only with engine: "plain"; the scripted engine makes its own',
      "one",
    );
  }
  const taken = [keys.list, keys.leases, keys.delayed, keys.attempts, keys.dead, keys.seen, keys.recovering];
  if (taken.includes(workingList)) {
    throw new OptionError(
      "workingList",
      "another key than the list and Spillway's own",
      JSON.stringify(checked.workingList),
    );
  }
}

class ListDrain implements Drain {
  readonly list: string;
  readonly #settings: Settings;
  readonly #keys: ListKeys;
  readonly #workingList: ByteString;

  constructor(settings: Settings, keys: ListKeys, workingList: ByteString) {
    this.#settings = settings;
    this.#keys = keys;
    this.#workingList = workingList;
    this.list = keys.name;
  }

  async run(options: RunOptions = {}): Promise<DrainReport> {
    const { budgetMs } = checkOptions(runOptionRows, options) as { budgetMs: number };
    const { clock, reserveMs, concurrency, codec, handler, batchHandler } = this.#settings;
    const startedAt = clock.now();
    const deadline = runDeadline(startedAt, budgetMs, reserveMs);
    const sender = this.#sender(deadline.endAt);
    const stopper = new Stopper(clock, deadline, options.signal);
    try {
      return await runDrain({
        ...this.#settings,
        leaseMs: this.#settings.leaseMs,
        continuation: this.#settings.continuation,
        onProgress: this.#settings.onProgress,
        broker: this.#broker(sender),
        processor: { list: this.list, codec, clock, concurrency, handler, batchHandler },
        stopper,
        deadline,
        meter: sender.meter,
        startedAt,
        maxMessages: options.maxMessages ?? Number.POSITIVE_INFINITY,
        chain: options.chain ?? { id: this.#settings.randomId(), hop: 0 },
      });
    } finally {
      stopper.dispose();
    }
  }

  async recover(): Promise<{ recovered: number }> {
    const { recovered, problem } = await this.#broker(this.#sender()).recover();
    if (problem) throw problem;
    return { recovered };
  }

  stats(): Promise<DrainStats> {
    return this.#broker(this.#sender()).stats();
  }

  async push(payloads: Pushable | readonly Pushable[]): Promise<{ length: number }> {
    return { length: await pushMessages(this.#sender(), this.#keys.list, payloads) };
  }

  #sender(endAt?: number): Sender {
    const { redis, clock, requestTimeoutMs } = this.#settings;
    const giveUpAt = endAt ?? clock.now() + requestTimeoutMs;
    return new Sender({ client: redis, clock, requestTimeoutMs, giveUpAt });
  }

  #broker(sender: Sender): Broker {
    const { engine, randomId, maxBatchBytes, maxConcurrency, visibilityTimeoutMs } = this.#settings;
    const shared = { sender, keys: this.#keys, holder: randomId(), maxBatchBytes };
    return engine === "plain"
      ? plainBroker({ ...shared, workingList: this.#workingList, visibilityTimeoutMs })
      : scriptedBroker({ ...shared, maxConcurrency });
  }
}
