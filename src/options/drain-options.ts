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
  /** Called with all messages of a batch; a throw fails all of them, or only those that the codec cannot read, if that is it. */
  batchHandler?: BatchHandler<Value> | undefined;
  /**
   * With `batchHandler`: returns the group of a message, as a string or as `{ key, size }`; it may be async. The batch handler
   * is then called for each group, with at most `size` of its messages, and for up to `concurrency` groups at once. A throw
   * fails the message. Default: all are one group.
   */
  batchBy?: BatchBy<Value> | undefined;
  /**
   * How long one call of the handler may take, ms, from 1 to 86,400,000. Then its signal aborts and its message is tried
   * again. Default: until the drain's budget ends.
   */
  handlerTimeoutMs?: number;
  /**
   * A Standard Schema (zod, valibot, arktype): `message.value` is its output, and a message that does not fit goes to the dead
   * letters and not to the handler. Default: none, and `message.value` is what the codec returns.
   */
  schema?: StandardSchema<Value> | undefined;
  /**
   * How many attempts a message gets, crashes included, from 1 to 1,000. Then it goes to the dead letters.
   * @default 5
   */
  maxAttempts?: number;
  /**
   * When a failed message is tried again: after a random time up to `baseMs` × 2 ^ (attempt − 1), at most `maxMs`; or a
   * function of `{ attempt, error, message }` that returns ms, or a promise of ms. Where it throws or gives no number, the default
   * is taken.
   * @default { baseMs: 1000, maxMs: 900000 }
   */
  retryDelay?: Partial<Backoff> | ((failure: Failure) => number | PromiseLike<number>);
  /**
   * A circuit breaker. When `after` different messages fail in a row, they go back to the list and no attempt is counted. Then one
   * message is tried after a pause that doubles up to `maxPauseMs`, until one succeeds or `maxMs` have passed. `false`: no brake.
   * Scripted engine only.
   * @default { after: 10, pauseMs: 1000, maxPauseMs: 60000, maxMs: 3600000 }
   */
  brake?: Partial<Brake> | false;
  /**
   * `{ maxCount, maxAgeMs }`: dead letters beyond either are deleted, the oldest first, when another is added. `maxAgeMs` needs
   * the scripted engine. Default: all are kept.
   */
  deadLetters?: DeadLetterLimits;
  /**
   * Listeners to the drain's events, by name: `{ "message:dead-lettered": ({ letter }) => … }`. `drain.on` adds more. What they
   * throw is ignored. A Worker ships events only where `listeners({ … })` of `spillway` is given.
   */
  on?: EventListeners | Listeners;
  /** Records spans and metrics of each run: `openTelemetry()` of `spillway/opentelemetry`. Default: nothing does. */
  telemetry?: Watcher | undefined;
  /**
   * Reads from a message when it was sent, for the report's `oldestMs`: a function that returns epoch ms, a `Date` or its text.
   * Producers' clocks must be right. Default: not known.
   */
  sentAt?: SentAt<Value> | undefined;
  /**
   * How many messages are claimed at once at most, from 1 to 10,000. Default: 100, and with a `handler` that is quick enough, as
   * many as it handles in a tenth of a second, up to 1,000.
   */
  batchSize?: number;
  /**
   * How many bytes are claimed at once at most, from 1 to 67,108,864. One message is always claimed, however large.
   * @default 1048576
   */
  maxBatchBytes?: number;
  /**
   * How many handlers run at once at most, from 1 to 10,000.
   * @default 10
   */
  concurrency?: number;
  /**
   * How many batches are claimed ahead while one runs. 1 hides the round trip behind the handlers. 0 halves the messages that run
   * again after a crash, and lets none overtake a message that its handler gives back.
   * @default 1
   */
  prefetch?: 0 | 1;
  /**
   * How long no other drain may take a claimed batch, ms, from 1 to 86,400,000; at most the rest of the budget and 5 s more.
   * Default: as long as the batch may take.
   */
  leaseMs?: number;
  /**
   * How many drains of this list may be live at once, from 1 to 1,250. One too many stops with `busy`. Scripted engine only.
   * @default 1
   */
  maxConcurrency?: number;
  /**
   * Whether a drain starts others through the `continuation`, up to `maxConcurrency`, while the live ones cannot empty the list
   * within 2 s. `scaleOut({ withinMs })` sets another time; Workers need it in place of `true`. Scripted engine only. Default:
   * `true` where `maxConcurrency` is above 1 and there is a `continuation`; on Workers `false`.
   */
  scaleOut?: boolean | ScaleOut;
  /**
   * How much of the budget is kept at its end for settling and releasing, ms, from 0 to 60,000; at most a quarter of the budget.
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
   * `fifo`: first in, first out; a failed message is tried again later, after others. `strict`: one message at a time, and a
   * failed one holds the list until it succeeds or is a dead letter. `{ byKey }`: the same for the messages of each key, where
   * `byKey` is a function of the message, or a path such as `"customer.id"`. At most `parkedMax` messages, 10,000 by default, wait
   * behind others of their key. With `concurrency`, so many messages of a key run at once, in no order. A Worker ships an order
   * only where `strictOrder` or `byKey(…)` of `spillway` is given. Needs `handler` and the scripted engine.
   * @default "fifo"
   */
  order?: OrderOption<Value> | Order;
  /**
   * The end of the list that messages are taken from. `left` is for lists whose producers `RPUSH`, as Laravel and Resque do: such
   * a list is then first in, first out. `push` uses the other end by itself.
   * @default "right"
   */
  consumeFrom?: "left" | "right";
  /** Plain engine only: the shared working list, a key that Spillway does not use itself. Default: `{list}:working`. */
  workingList?: string;
  /**
   * Plain engine only: a message that has been in the working list for longer than this goes back to the list, ms, from 1 to
   * 604,800,000. Make it longer than any batch takes.
   * @default 300000
   */
  visibilityTimeoutMs?: number;
  /** Decodes a payload into `message.value`, or into what the `schema` gets. Default: JSON. */
  codec?: Codec<unknown> | undefined;
  /** How a drain whose budget ended invokes the next one. Default: it does not; the next tick goes on. */
  continuation?: Continuation;
  /** Time, for tests. Default: the system's. */
  clock?: Clock;
  /** Names a run, for tests: letters, digits, `_` and `-`, never the same name twice. Default: 64 random bits. */
  randomId?: () => string;
  /** A number from 0 to 1 for the jitter, for tests. Default: a random one. */
  random?: () => number;
}

/**
 * Options of `createDrain`, which throws `OptionError` for a bad one. Give exactly one of `handler` and `batchHandler`; the value
 * of its messages is what the `schema` returns or, without one, what the `codec` returns.
 */
export type DrainOptions<Value = unknown> = EveryDrainOption<Value> & HandlerOptions<Value>;

/** Which of the options about handlers go together. */
export type HandlerOptions<Value> = (
  | { handler: Handler<Value>; batchHandler?: undefined; batchBy?: undefined }
  | { batchHandler: BatchHandler<Value>; handler?: undefined }
) &
  ({ schema: StandardSchema<Value> } | { schema?: undefined; codec?: Codec<NoInfer<Value>> | undefined });

/** When the brake, a circuit breaker, holds the drains of a list, and for how long. */
export interface Brake {
  /** How many different messages must fail in a row to set it, from 1 to 1,000. Default: 10. */
  readonly after: number;
  /** The first pause before one message is tried, ms, from 1 to 86,400,000. Each further pause is twice as long. Default: 1,000. */
  readonly pauseMs: number;
  /** The longest pause, ms, from 1 to 86,400,000. Default: 60,000. */
  readonly maxPauseMs: number;
  /** How long it holds at most, ms, from 1 to 604,800,000. Then failures count as attempts again. Default: 3,600,000. */
  readonly maxMs: number;
}

/** How many dead letters a list keeps. */
export interface DeadLetterLimits {
  /** How many, from 1 to 10,000,000. Default: no limit. */
  readonly maxCount?: number | undefined;
  /** How long after its last attempt, ms, from 1 to 31,536,000,000. Scripted engine only. Default: no limit. */
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
  // Checked where listeners are made.
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
  // Checked where orders are read.
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
