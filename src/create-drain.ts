import type { DrainStats } from "./broker/broker.ts";
import { plainBroker } from "./broker/plain.ts";
import { adoptWorkingLists } from "./broker/working-lists.ts";
import { type WaitOptions, waitForMessage } from "./chain/wait.ts";
import { type Woken, wake } from "./chain/wake.ts";
import { OptionError } from "./errors.ts";
import { type Listeners, listenersOf, type On } from "./events/listeners.ts";
import type { Codec } from "./handling/codec.ts";
import * as limits from "./limits.ts";
import { type Limits, limitsOf, setPaused } from "./operations/control.ts";
import { type DeadLetters, deadLetters } from "./operations/dead-letters.ts";
import { checkLeaseOptions, type Lease, type LeaseOptions, readLeases } from "./operations/leases.ts";
import { type PeekedMessage, type PeekOptions, peekMessages } from "./operations/peek.ts";
import type { DrainOptions, PlainEngine } from "./options/drain-options.ts";
import type { RunOptions } from "./options/run-options.ts";
import { attempt } from "./options/show.ts";
import { orders } from "./order/order.ts";
import { type PushResult, pushContext, pushMessages, watchedPush } from "./push/push.ts";
import type { Pushable, PushOptions } from "./push/push-options.ts";
import type { ByteString } from "./redis/redis-client.ts";
import type { DrainReport } from "./run/report.ts";
import { makeRunner, type RunnerParts } from "./run/runner.ts";
import { scaleOut } from "./scale/scale-out.ts";
import { type ShardOptions, shardedDrain } from "./shards/sharded-drain.ts";

/** A drain of one list: stateless between calls, so it may be made once and run by any number of invocations. */
export interface Drain {
  readonly list: string;
  /**
   * Claims and handles messages until the list is empty or the budget ends. Never rejects for what Redis, a handler or
   * another function of yours does: the report says it. Throws `OptionError` for bad options.
   */
  run(options?: RunOptions): Promise<DrainReport>;
  /**
   * Adds a listener to an event of this drain: see `DrainEvents`. Returns a function that removes it. Throws `OptionError` for
   * an unknown event.
   */
  on: On;
  /** The messages that will not be tried again: read, returned to the list, deleted. */
  readonly deadLetters: DeadLetters;
  /**
   * Returns the messages of expired leases to the list, at most 1,000 a call, and looks for working lists that have no
   * lease (someone deleted it): those get one that ends in a minute. Throws the Redis errors.
   */
  recover(): Promise<{ recovered: number; adopted: number }>;
  /** Reads how many messages are where. Throws the Redis errors. */
  stats(): Promise<DrainStats>;
  /** Reads waiting messages in one request and changes nothing. Works with either engine, by a script. Throws the Redis errors. */
  peek(options?: PeekOptions): Promise<PeekedMessage[]>;
  /** Reads who holds what in two requests and changes nothing. The plain engine has no leases, so there it gives none. Throws the Redis errors. */
  leases(options?: LeaseOptions): Promise<Lease[]>;
  /**
   * Pushes messages to the left end, the first given first: one, several, or a stream, which is sent in chunks of up to 1,000
   * messages and 4 MiB. Throws `RedisTransportError` where the reply was lost: it is then not known whether the messages are
   * in the list, and they are not sent again (messages with ids are, and so are those delayed by minutes). Throws
   * `PushIncompleteError` where earlier chunks have been pushed.
   */
  push(
    payloads: Pushable | Iterable<Pushable> | AsyncIterable<Pushable>,
    options?: PushOptions,
  ): Promise<PushResult & Woken>;
  /**
   * Pauses the list for all its drains, until `resume`: they claim nothing more and stop as `paused`. Running drains notice
   * within a second: messages that have begun are finished, the others go back to the list. A drain that sends no turn for a
   * second asks Redis before a message begins: at most one command a second. Throws the Redis errors.
   */
  pause(): Promise<void>;
  /** Ends a pause. The next tick goes on. */
  resume(): Promise<void>;
  /**
   * Asks the continuation to start a drain, after others have pushed messages to an empty list; `push` does so by itself. Where
   * a drain is live or about to begin it costs one command. Resolves with null where there is no continuation.
   */
  wake(): Promise<Woken | null>;
  /**
   * Waits until the list holds a message or the time is over, and resolves with whether it holds one. A client that can block
   * does so on a connection of its own; with others, Redis is asked once a second. Throws the Redis errors.
   */
  waitForMessage(options: WaitOptions): Promise<boolean>;
  /** How much all drains of the list may claim. Scripted engine only. */
  readonly limits: Limits;
  /**
   * Closes the connections that the `redis` client opened, so that a script can end; a connection that you handed in stays
   * open. A run under way is aborted, and settles what was handled before the connections end. After it, every call throws
   * `ClosedError`. `await using drain = createDrain(…)` calls it at the end of the block.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What hosts take: a drain, or several lists together, as `createSpillway` makes them. */
export type HostedDrain = Pick<
  Drain,
  "list" | "run" | "stats" | "wake" | "waitForMessage" | "close" | typeof Symbol.asyncDispose
>;

/** The plain engine, for the option `engine` where its name alone does not bring it along: on Workers. */
export const plainEngine: PlainEngine = plainBroker;

/**
 * Makes a drain, of either engine: a plain object, so that `{ ...drain, run }` is one too. Throws `OptionError` naming the
 * option, what it must be, and what was given.
 */
export function createDrain<Decoded = unknown, Value = Decoded>(
  // What the codec decodes is the handler's value where there is no schema, and the schema's concern where there is one.
  options: DrainOptions<Value> & ShardOptions & { codec?: Codec<Decoded> | Codec<unknown> | undefined },
): Drain {
  // What is no object of options at all, the checks below refuse.
  const given = attempt(() => Object.hasOwn(options, "shards") && { ...options });
  if (!given) return makeDrain(options).drain;
  const { shards, ...ofOneList } = given;
  return shards === undefined ? makeDrain(ofOneList).drain : shardedDrain(ofOneList, shards, makeDrain);
}

/** A drain of one Redis list, and its parts for callers that run several together. `whole`: the mark by which all of them are woken. */
export function makeDrain(
  options: unknown,
  whole?: ByteString,
): { readonly drain: Drain; readonly parts: RunnerParts } {
  const { parts, ...runner } = makeRunner(options, plainBroker, scaleOut(), orders, (given) =>
    listenersOf(given),
  );
  const { settings, keys, openSender } = parts;
  const { engine, continuation } = settings;
  if (settings.scaleOut && !(settings.maxConcurrency > 1 && continuation && engine === "scripted")) {
    const wanted = "used with a continuation, a maxConcurrency above 1 and the scripted engine";
    throw new OptionError("scaleOut", wanted, "a drain that lacks one of them");
  }
  const wakes = async (): Promise<Woken | null> => wake({ ...parts, whole });
  const drain: Drain = {
    ...runner,
    on: (settings.listeners as Listeners).on,
    deadLetters: deadLetters(openSender, keys, settings.ordering?.readKeys?.bind(null, settings)),
    limits: limitsOf(openSender, keys, {
      claims: engine === "scripted",
      keys: settings.ordering?.knowsKeys === true,
    }),
    pause: async () => setPaused(openSender(), keys, true),
    waitForMessage: async (waitOptions) => waitForMessage(parts, waitOptions),
    resume: async () => setPaused(openSender(), keys, false),
    wake: wakes,
    recover: recovering(parts),
    peek: async (peekOptions = {}) => peekMessages(openSender(), keys, peekOptions),
    leases: async (leaseOptions = {}) => {
      const { max } = checkLeaseOptions(leaseOptions);
      return engine === "scripted" ? readLeases(openSender(), keys, max) : [];
    },
    push: (messages, pushOptions) =>
      watchedPush(settings, messages, async (given) => {
        const context = pushContext(settings, [{ sender: openSender(), keys }], async () => [await wakes()]);
        return pushMessages(context, given, pushOptions ?? {});
      }),
  };
  return { drain, parts };
}

function recovering({ settings, keys, openBroker, openSender }: RunnerParts): Drain["recover"] {
  /** How far the search for working lists without a lease has come. Kept while this process lives. */
  let adoptCursor = "0";
  return async () => {
    const { recovered, problem } = await openBroker(openSender()).recover();
    if (problem) throw problem;
    let adopted = 0;
    // A shared working list has no lease; it is watched instead.
    if (settings.engine !== "scripted") return { recovered, adopted };
    for (let step = 0; step < limits.scanStepsMax; step++) {
      const found = await adoptWorkingLists(openSender(), keys, adoptCursor);
      adopted += found.adopted;
      adoptCursor = found.cursor;
      if (found.cursor === "0") break;
    }
    return { recovered, adopted };
  };
}
