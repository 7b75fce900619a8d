import type { Continuation } from "../chain/continuation.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { EventListeners } from "../events/events.ts";
import type { Listeners } from "../events/listeners.ts";
import type { Watcher } from "../events/watcher.ts";
import type { BatchBy } from "../handling/batch-groups.ts";
import { type Codec, jsonCodec } from "../handling/codec.ts";
import type { BatchHandler, Handler } from "../handling/handler.ts";
import type { SentAt } from "../handling/message-age.ts";
import type { Backoff, Failure } from "../handling/retry-policy.ts";
import { isStandardSchema, type StandardSchema } from "../handling/schema.ts";
import * as limits from "../limits.ts";
import type { Order, OrderOption } from "../order/order-option.ts";
import { random, randomId } from "../randomness.ts";
import type { RedisClient } from "../redis/redis-client.ts";
import type { ScaleOut } from "../scale/scale-out.ts";
import {
  boolean,
  type Checker,
  choice,
  either,
  func,
  integer,
  type Kinds,
  object,
  required,
  table,
  text,
} from "./option-kinds.ts";

/** Every option of `createDrain`. `npm run docs:options` prints them into docs/options.md. */
export interface EveryDrainOption<Value> {
  /** The `RedisClient`: `upstash(…)`, `ioredis(…)` or `nodeRedis(…)`. */
  redis: RedisClient;
  /** The Redis list that producers `LPUSH` to. */
  list: string;
  /** Called with each `Message`; a throw fails that message. Exactly one of `handler` and `batchHandler` must be given. */
  handler?: Handler<Value> | undefined;
  /** Called with all messages of a batch; a throw fails them all. */
  batchHandler?: BatchHandler<Value> | undefined;
  /**
   * With `batchHandler`: names the group of a message, by a string or by `{ key, size }`; it may be async. The batch handler
   * is then called for each group, with at most `size` of its messages, up to `concurrency` groups at once. A throw fails
   * the message. Default: all are one group.
   */
  batchBy?: BatchBy<Value> | undefined;
  /**
   * How long one call of the handler may take, ms, from 1 to 86,400,000. Then its signal aborts and its message is tried
   * again. Default: as long as the drain has.
   */
  handlerTimeoutMs?: number;
  /**
   * A Standard Schema (zod, valibot, arktype): `message.value` is what it returns, and a message that does not fit goes to
   * the dead letters, never to the handler. Default: none, `message.value` is what the codec returns.
   */
  schema?: StandardSchema<Value> | undefined;
  /**
   * Attempts of a message, at most, crashes counted, from 1 to 1,000; then it goes to the dead letters.
   * @default 5
   */
  maxAttempts?: number;
  /**
   * When a failed message is tried again: after a random time up to `baseMs` × 2 ^ (attempt − 1), at most `maxMs`; or a
   * function of `{ attempt, error, message }` that returns ms, or a promise of ms. One that throws, or gives no number,
   * counts as absent.
   * @default { baseMs: 1000, maxMs: 900000 }
   */
  retryDelay?: Partial<Backoff> | ((failure: Failure) => number | PromiseLike<number>);
  /**
   * When `after` different messages fail in a row, they go back uncounted, and one message is tried after a pause that
   * doubles up to `maxPauseMs`, until one succeeds or `maxMs` have passed. `false` for none. Scripted engine only.
   * @default { after: 10, pauseMs: 1000, maxPauseMs: 60000, maxMs: 3600000 }
   */
  brake?: Partial<Brake> | false;
  /**
   * `{ maxCount, maxAgeMs }`: dead letters beyond either are deleted, the oldest first, when another comes. `maxAgeMs` with
   * the scripted engine only. Default: all are kept.
   */
  deadLetters?: DeadLetterLimits;
  /**
   * Listeners to the drain's events, by name: `{ "message:dead-lettered": ({ letter }) => … }`; `drain.on` takes others. What
   * they throw is ignored. A Worker ships events only where `listeners({ … })` of `spillway` is given.
   */
  on?: EventListeners | Listeners;
  /** What records spans and metrics of each run: `openTelemetry()` of `spillway/opentelemetry`. Default: nothing does. */
  telemetry?: Watcher | undefined;
  /**
   * When a message was sent, as it says itself: a function that returns epoch ms, a `Date` or its text. The report's
   * `oldestMs` comes of it; producers' clocks must be right. Default: not known.
   */
  sentAt?: SentAt<Value> | undefined;
  /**
   * Messages claimed at once, at most, from 1 to 10,000. Default: 100, and with `handler` up to 1,000 while that many are
   * handled in a tenth of a second.
   */
  batchSize?: number;
  /**
   * Bytes claimed at once, at most, from 1 to 67,108,864; one message is always claimed, however large.
   * @default 1048576
   */
  maxBatchBytes?: number;
  /**
   * Handlers running at once, at most, from 1 to 10,000.
   * @default 10
   */
  concurrency?: number;
  /**
   * Batches claimed ahead while one runs: 1 hides the round trip behind the handlers; 0 halves what a crash leaves to
   * recover, and lets nothing overtake a message that its handler gives back.
   * @default 1
   */
  prefetch?: 0 | 1;
  /**
   * How long a claimed batch is this drain's alone, ms, from 1 to 86,400,000; never longer than the rest of the budget and
   * 5 s. Default: that.
   */
  leaseMs?: number;
  /**
   * Live drains of this list, at most, from 1 to 1,250; one too many stops with `busy`. Scripted engine only.
   * @default 1
   */
  maxConcurrency?: number;
  /**
   * Whether a drain that finds more than the live ones can handle in 2 s starts others through the `continuation`, up to
   * `maxConcurrency`; `scaleOut({ withinMs })` for another time, and on Workers. Scripted engine only. Default: `true`, but on Workers, where `maxConcurrency` is above 1 and there is a `continuation`.
   */
  scaleOut?: boolean | ScaleOut;
  /**
   * The end of the budget that is kept for settling and releasing, ms, from 0 to 60,000; never more than a quarter of the
   * budget.
   * @default 1000
   */
  reserveMs?: number;
  /**
   * How long a request to Redis may take, ms, from 1 to 300,000.
   * @default 10000
   */
  requestTimeoutMs?: number;
  /**
   * `scripted` keeps every promise; `plain` uses no scripts and shares its working list, as BroadwayRedis does. A Worker
   * ships the plain engine only where `plainEngine` of `spillway` is given in place of its name.
   * @default "scripted"
   */
  engine?: "scripted" | "plain" | PlainEngine;
  /**
   * `fifo`: first in, first out, and what failed comes later. `strict`: one message at a time, and one that failed holds the
   * list until it succeeds or is a dead letter. `{ byKey }`: so for the messages of each key, where `byKey` is a function of
   * the message, or a path such as `"customer.id"`; at most `parkedMax` messages, 10,000 by default, then wait behind others.
   * With a `concurrency` of its own, so many messages of a key run at once, and keys keep no order.
   * A Worker ships an order only where `strictOrder` or `byKey(…)` of `spillway` is given. With `handler` and the scripted engine.
   * @default "fifo"
   */
  order?: OrderOption<Value> | Order;
  /**
   * The end of the list that messages are taken from. `left` is for lists whose producers `RPUSH`, as Laravel and Resque do:
   * such a list is then first in, first out. `push` goes to the other end by itself.
   * @default "right"
   */
  consumeFrom?: "left" | "right";
  /** Plain engine only: the shared working list, a key that Spillway does not use itself. Default: `{list}:working`. */
  workingList?: string;
  /**
   * Plain engine only: a message seen in the working list for longer than this goes back, ms, from 1 to 604,800,000. Make
   * it longer than any batch takes.
   * @default 300000
   */
  visibilityTimeoutMs?: number;
  /** Decodes a payload into `message.value`, or into what the `schema` gets. Default: JSON. */
  codec?: Codec<unknown> | undefined;
  /** How a drain whose budget ended invokes the next one. Default: none, the next tick goes on. */
  continuation?: Continuation;
  /** Time, for tests. Default: the system's. */
  clock?: Clock;
  /** Names a drain, for tests: letters, digits, `_` and `-`, and never the same twice. Default: 64 random bits. */
  randomId?: () => string;
  /** A number from 0 to 1 for the jitter, for tests. Default: a random one. */
  random?: () => number;
}

/**
 * Options of `createDrain`, which throws `OptionError` for a bad one. There is exactly one of `handler` and `batchHandler`;
 * its messages hold what the `schema` returns, or, without one, what the `codec` does.
 */
export type DrainOptions<Value = unknown> = EveryDrainOption<Value> & HandlerOptions<Value>;

/** Which of the options that say what handles messages go together. */
export type HandlerOptions<Value> = (
  | { handler: Handler<Value>; batchHandler?: undefined; batchBy?: undefined }
  | { batchHandler: BatchHandler<Value>; handler?: undefined }
) &
  ({ schema: StandardSchema<Value> } | { schema?: undefined; codec?: Codec<NoInfer<Value>> | undefined });

/** When the brake, a circuit breaker, holds a list's drains, and for how long. */
export interface Brake {
  /** So many different messages failing in a row set it, from 1 to 1,000. Default: 10. */
  readonly after: number;
  /** The first pause before one message is tried, ms, from 1 to 86,400,000; each next one is twice as long. Default: 1,000. */
  readonly pauseMs: number;
  /** The longest pause, ms, from 1 to 86,400,000. Default: 60,000. */
  readonly maxPauseMs: number;
  /** How long it holds at most, ms, from 1 to 604,800,000; then failures count again. Default: 3,600,000. */
  readonly maxMs: number;
}

/** How many dead letters a list keeps. */
export interface DeadLetterLimits {
  /** From 1 to 10,000,000. Default: no limit. */
  readonly maxCount?: number | undefined;
  /** Since a message died, ms, from 1 to 31,536,000,000. Scripted engine only. Default: no limit. */
  readonly maxAgeMs?: number | undefined;
}

const dayMs = 86_400_000;
const weekMs = 7 * dayMs;
const yearMs = 365 * dayMs;

export const drainKinds = {
  redis: required(
    object({
      methods: ["command", "pipeline"],
      wanted: "a RedisClient, as upstash(…), ioredis(…) or nodeRedis(…) make it",
    }),
  ),
  list: required(text()),
  handler: func(),
  batchHandler: func(),
  batchBy: func(),
  handlerTimeoutMs: integer({ min: 1, max: dayMs }),
  schema: standardSchema(),
  maxAttempts: integer({ min: 1, max: 1_000, default: 5 }),
  retryDelay: either(
    table(
      {
        baseMs: integer({ min: 0, max: dayMs, default: 1_000 }),
        maxMs: integer({ min: 0, max: yearMs, default: 900_000 }),
      },
      { default: {} },
    ),
    func<(failure: Failure) => number | PromiseLike<number>>(),
  ),
  brake: either(
    table(
      {
        after: integer({ min: 1, max: 1_000, default: 10 }),
        pauseMs: integer({ min: 1, max: dayMs, default: 1_000 }),
        maxPauseMs: integer({ min: 1, max: dayMs, default: 60_000 }),
        maxMs: integer({ min: 1, max: weekMs, default: 3_600_000 }),
      },
      { default: {} },
    ),
    choice([false]),
  ),
  deadLetters: table(
    { maxCount: integer({ min: 1, max: 10_000_000 }), maxAgeMs: integer({ min: 1, max: yearMs }) },
    { default: {} },
  ),
  // What it must be is said where listeners are made.
  on: { wanted: "", allows: () => true } as Checker<EveryDrainOption<unknown>["on"]>,
  telemetry: object({ methods: ["watch", "around"], wanted: "a telemetry, as openTelemetry(…) makes it" }),
  sentAt: func(),
  batchSize: integer({ min: 1, max: 10_000 }),
  maxBatchBytes: integer({ min: 1, max: 64 * 1024 * 1024, default: 1024 * 1024 }),
  concurrency: integer({ min: 1, max: 10_000, default: 10 }),
  prefetch: choice([0, 1], { default: 1 }),
  leaseMs: integer({ min: 1, max: dayMs }),
  maxConcurrency: integer({ min: 1, max: limits.chainsMax, default: 1 }),
  scaleOut: either(boolean(), func<ScaleOut>()),
  reserveMs: integer({ min: 0, max: 60_000, default: 1_000 }),
  requestTimeoutMs: integer({ min: 1, max: 300_000, default: 10_000 }),
  // What it must be is said where orders are read.
  order: { wanted: "", default: "fifo", allows: () => true } as Checker<EveryDrainOption<unknown>["order"]>,
  engine: either(choice(["scripted", "plain"], { default: "scripted" }), func<PlainEngine>()),
  consumeFrom: choice(["right", "left"], { default: "right" }),
  workingList: text(),
  visibilityTimeoutMs: integer({ min: 1, max: weekMs, default: 300_000 }),
  codec: object({ methods: ["decode"], default: jsonCodec }),
  continuation: object({ methods: ["invoke"] }),
  clock: object({ methods: ["now", "after"], default: systemClock }),
  randomId: func({ default: randomId }),
  random: func({ default: random }),
} satisfies Kinds<EveryDrainOption<unknown>>;

/** The engine without scripts: `plainEngine` of the package is the only one. */
export type PlainEngine = (options: never) => object;

function standardSchema(): Checker<StandardSchema | undefined> {
  return { wanted: "a Standard Schema, version 1", isSecret: "text", allows: isStandardSchema };
}
