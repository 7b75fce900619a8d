import { plainBroker } from "./broker/plain.ts";
import { scriptedBroker } from "./broker/scripted.ts";
import type { TurnPolicy } from "./broker/turn-request.ts";
import type { Broker, DrainStats } from "./broker.ts";
import { fromText } from "./bytes.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Codec, jsonCodec } from "./codec.ts";
import type { Continuation } from "./continuation.ts";
import type { DeadLetter } from "./dead-letter.ts";
import { type DeadLetters, deadLetters } from "./dead-letters.ts";
import { runDeadline, Stopper } from "./deadline.ts";
import { runDrain } from "./drain.ts";
import { OptionError } from "./errors.ts";
import { whenSettled } from "./guest.ts";
import type { ChainPosition } from "./hop.ts";
import { isIdempotent } from "./idempotent.ts";
import { type ListKeys, listKeys } from "./keys.ts";
import { limits } from "./limits.ts";
import { checkOptions, drainOptionRows, runOptionRows, show } from "./options.ts";
import type { BatchHandler, Handler, ProcessorOptions } from "./processor.ts";
import { type Pushable, pushMessages } from "./push.ts";
import type { ByteString, RedisClient } from "./redis-client.ts";
import { brokenReport, type DrainReport } from "./report.ts";
import type { Backoff, Failure, RetryDelay } from "./retry-policy.ts";
import { isStandardSchema, type StandardSchema } from "./schema.ts";
import { Sender } from "./sender.ts";

/** Options of `createDrain`; the README's table gives meaning, unit and default of each. */
export interface DrainOptions<Value = unknown> {
  redis: RedisClient;
  list: string;
  handler?: Handler<Value>;
  batchHandler?: BatchHandler<Value>;
  handlerTimeoutMs?: number;
  schema?: StandardSchema<Value>;
  maxAttempts?: number;
  retryDelay?: Partial<Backoff> | ((failure: Failure) => number | PromiseLike<number>);
  brake?: Partial<Brake> | false;
  deadLetters?: { maxCount?: number; maxAgeMs?: number };
  onDeadLetter?: (letter: DeadLetter) => unknown;
  onFailure?: (failure: Failure) => unknown;
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
  onProgress?: (report: DrainReport) => unknown;
  clock?: Clock;
  randomId?: () => string;
  random?: () => number;
}

/** When the brake holds a list's drains, and for how long; see the README's options. */
export interface Brake {
  readonly after: number;
  readonly pauseMs: number;
  readonly maxPauseMs: number;
  readonly maxMs: number;
}

/** Options of one run. */
export interface RunOptions {
  budgetMs?: number;
  signal?: AbortSignal;
  maxMessages?: number;
  maxRequests?: number;
  requestsPerMessage?: number;
  chain?: ChainPosition;
}

type CheckedRunOptions = RunOptions & Required<Pick<RunOptions, "budgetMs" | "requestsPerMessage">>;

/** A drain of one list: stateless between calls, so it may be made once and run by any number of invocations. */
export interface Drain {
  readonly list: string;
  /**
   * Claims and handles messages until the list is empty or the budget ends. Never rejects for what Redis, a handler or
   * another function of yours does: the report says it. Throws `OptionError` for bad options.
   */
  run(options?: RunOptions): Promise<DrainReport>;
  /** The messages that will not be tried again: read, returned to the list, deleted. */
  readonly deadLetters: DeadLetters;
  /**
   * Returns the messages of expired leases to the list, at most 1,000 a call, and looks for working lists that have no
   * lease (someone deleted it): those get one that ends in a minute. Throws the Redis errors.
   */
  recover(): Promise<{ recovered: number; adopted: number }>;
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
  refuseMisfits(options, checked);
  const keys = listKeys(options.list);
  const workingList = options.workingList === undefined ? keys.sharedWorking : fromText(options.workingList);
  refuseOwnKeys(workingList, keys, checked);
  return new ListDrain({ ...defaults, ...checked }, keys, workingList);
}

type Settings = Required<
  Pick<
    DrainOptions,
    | "redis"
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
    | "random"
    | "maxAttempts"
    | "deadLetters"
  >
> &
  Pick<
    DrainOptions,
    | "handler"
    | "batchHandler"
    | "handlerTimeoutMs"
    | "batchSize"
    | "schema"
    | "onDeadLetter"
    | "onFailure"
    | "leaseMs"
    | "workingList"
    | "continuation"
    | "onProgress"
  > & { readonly retryDelay: RetryDelay; readonly brake: Brake | false };

const defaults = { codec: jsonCodec, clock: systemClock, randomId, random };

/** From 0 to 1, not 1. */
function random(): number {
  const [bits = 0] = crypto.getRandomValues(new Uint32Array(1));
  return bits / 2 ** 32;
}

function refuseMisfits<Value>(options: DrainOptions<Value>, checked: Settings): void {
  const { schema, codec, handler } = options;
  if (schema !== undefined && !isStandardSchema(schema)) {
    throw new OptionError("schema", "a Standard Schema, version 1", "an object without ~standard.validate");
  }
  if (codec !== undefined && typeof codec.decode !== "function") {
    throw new OptionError("codec", "an object with a decode function", "one without");
  }
  if (handler !== undefined && checked.engine === "plain" && isIdempotent(handler)) {
    throw new OptionError("handler", 'not made by idempotent() with engine: "plain"', "one that is");
  }
}

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
  const { list, leases, delayed, attempts, dead, brake, busy, seen, recovering } = keys;
  const taken = [list, leases, delayed, attempts, dead, brake, busy, seen, recovering];
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
  readonly deadLetters: DeadLetters;
  /** Where the search for working lists without a lease has come to; kept while this process lives. */
  #adoptCursor = "0";

  constructor(settings: Settings, keys: ListKeys, workingList: ByteString) {
    this.#settings = settings;
    this.#keys = keys;
    this.#workingList = workingList;
    this.list = keys.name;
    this.deadLetters = deadLetters(() => this.#sender(), keys);
  }

  async run(options: RunOptions = {}): Promise<DrainReport> {
    const checked = checkOptions(runOptionRows, options) as unknown as CheckedRunOptions;
    try {
      return await this.#run(checked);
    } catch (error) {
      // What a run does itself is in its own report: a clock or a randomId of the user's has thrown.
      return brokenReport(error);
    }
  }

  async #run(options: CheckedRunOptions): Promise<DrainReport> {
    const { budgetMs, requestsPerMessage } = options;
    const { clock, reserveMs } = this.#settings;
    const startedAt = clock.now();
    const deadline = runDeadline(startedAt, budgetMs, reserveMs);
    const sender = this.#sender(deadline.endAt, options.maxRequests);
    const stopper = new Stopper(clock, deadline, options.signal);
    const broker = this.#broker(sender);
    try {
      return await runDrain({
        ...this.#settings,
        handlerTimeoutMs: this.#settings.handlerTimeoutMs,
        batchSize: this.#settings.batchSize,
        leaseMs: this.#settings.leaseMs,
        continuation: this.#settings.continuation,
        onProgress: this.#settings.onProgress,
        onDeadLetter: this.#settings.onDeadLetter,
        onFailure: this.#settings.onFailure,
        broker,
        processor: this.#processor(broker),
        stopper,
        deadline,
        meter: sender.meter,
        startedAt,
        maxMessages: options.maxMessages ?? Number.POSITIVE_INFINITY,
        maxRequests: options.maxRequests ?? Number.POSITIVE_INFINITY,
        requestsPerMessage,
        markersPerMessage: this.#settings.handler && isIdempotent(this.#settings.handler) ? 1 : 0,
        chain: options.chain ?? { id: this.#settings.randomId(), hop: 0 },
      });
    } finally {
      stopper.dispose();
    }
  }

  async recover(): Promise<{ recovered: number; adopted: number }> {
    const { recovered, problem } = await this.#broker(this.#sender()).recover();
    if (problem) throw problem;
    let adopted = 0;
    for (let step = 0; step < limits.scanStepsMax; step++) {
      const found = await this.#broker(this.#sender()).adopt(this.#adoptCursor);
      adopted += found.adopted;
      this.#adoptCursor = found.cursor;
      if (found.cursor === "0") break;
    }
    return { recovered, adopted };
  }

  stats(): Promise<DrainStats> {
    return this.#broker(this.#sender()).stats();
  }

  async push(payloads: Pushable | readonly Pushable[]): Promise<{ length: number }> {
    return { length: await pushMessages(this.#sender(), this.#keys.list, payloads) };
  }

  #sender(endAt?: number, requestCountMax = Number.POSITIVE_INFINITY): Sender {
    const { redis, clock, requestTimeoutMs } = this.#settings;
    const giveUpAt = endAt ?? clock.now() + requestTimeoutMs;
    return new Sender({ client: redis, clock, requestTimeoutMs, giveUpAt, requestCountMax });
  }

  #processor(broker: Broker): ProcessorOptions {
    const { clock, concurrency, codec, handler, batchHandler, handlerTimeoutMs, schema } = this.#settings;
    const { maxAttempts, retryDelay, random } = this.#settings;
    return {
      list: this.list,
      codec,
      clock,
      concurrency,
      handler,
      batchHandler,
      handlerTimeoutMs,
      schema,
      policy: { maxAttempts, retryDelay, random },
      markDone: (batch, at, ttlMs) => broker.markDone(batch, at, ttlMs),
    };
  }

  #broker(sender: Sender): Broker {
    const { engine, maxBatchBytes, maxConcurrency, visibilityTimeoutMs, maxAttempts, deadLetters } =
      this.#settings;
    const shared = { sender, keys: this.#keys, holder: this.#holder(), maxBatchBytes };
    if (engine === "scripted")
      return scriptedBroker({
        ...shared,
        maxConcurrency,
        policy: this.#policy(),
        marksBusy: this.#settings.continuation !== undefined,
      });
    const deadCountMax = deadLetters.maxCount ?? 0;
    return plainBroker({
      ...shared,
      workingList: this.#workingList,
      visibilityTimeoutMs,
      maxAttempts,
      deadCountMax,
    });
  }

  /** Names this run. The name goes into keys and into members that are read by their first colon. */
  #holder(): string {
    const holder = this.#settings.randomId();
    void whenSettled(holder);
    if (typeof holder !== "string" || !/^[\w-]+$/.test(holder)) {
      throw new OptionError("randomId", "a function that returns letters, digits, _ and -", show(holder));
    }
    return holder;
  }

  #policy(): TurnPolicy {
    const { maxAttempts, deadLetters, brake, batchSize = limits.batchCount } = this.#settings;
    const { maxCount = 0, maxAgeMs = 0 } = deadLetters;
    return { maxAttempts, deadCountMax: maxCount, deadAgeMsMax: maxAgeMs, brake, batchSize };
  }
}
