import { ClaimSize } from "./broker/claim-size.ts";
import type { plainBroker } from "./broker/plain.ts";
import { scriptedBroker } from "./broker/scripted.ts";
import type { TurnPolicy } from "./broker/turn-request.ts";
import type { Broker, DrainStats } from "./broker.ts";
import type { Codec } from "./codec.ts";
import { type DeadLetters, deadLetters } from "./dead-letters.ts";
import { runDeadline, Stopper } from "./deadline.ts";
import { runDrain } from "./drain.ts";
import {
  checkDrainOptions,
  type DrainOptions,
  type DrainSettings,
  type PlainEngine,
  sharedWorkingList,
} from "./drain-options.ts";
import { ClosedError, OptionError } from "./errors.ts";
import { whenSettled } from "./guest.ts";
import { isIdempotent } from "./idempotent.ts";
import { type ListKeys, listKeys } from "./keys.ts";
import { limits } from "./limits.ts";
import type { ProcessorOptions } from "./processor.ts";
import { type PushResult, pushMessages } from "./push.ts";
import type { Pushable, PushOptions } from "./push-options.ts";
import { brokenReport, type DrainReport } from "./report.ts";
import { type CheckedRunOptions, checkRunOptions, type RunOptions } from "./run-options.ts";
import { Sender } from "./sender.ts";
import { show } from "./show.ts";

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
   * Pushes messages to the left end, the first given first: one, several, or a stream of them, which is sent in chunks of
   * up to 1,000 messages and 4 MiB. Throws `RedisTransportError` where the reply was lost: whether the messages are in the
   * list is then not known, and it is not sent again (delayed messages and those with ids are). Throws
   * `PushIncompleteError` where earlier chunks have been pushed.
   */
  push(
    payloads: Pushable | Iterable<Pushable> | AsyncIterable<Pushable>,
    options?: PushOptions,
  ): Promise<PushResult>;
  /**
   * Closes what the `redis` client itself opened, so that a script can end; a connection of your own stays yours. Then
   * every call throws `ClosedError`. `await using drain = createDrain(…)` calls it at the end of the block.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * What `createDrain` is, for hosts where each kilobyte counts: the plain engine comes along only where it is given, here
 * or as the option `engine`. Makes a drain: a plain object, so that `{ ...drain, run }` is one too. Throws `OptionError` naming the option, what it
 * must be, and what was given.
 */
export function makeDrain<Decoded = unknown, Value = Decoded>(
  // What the codec decodes is the handler's value where there is no schema, and the schema's concern where there is one.
  options: DrainOptions<Value> & { codec?: Codec<Decoded> | Codec<unknown> | undefined },
  plain?: PlainEngine,
): Drain {
  const settings = checkDrainOptions(options, plain);
  const { list, clock, requestTimeoutMs } = settings;
  const keys = listKeys(list);
  let isClosed = false;
  /** Outside a run nothing but the count of sendings ends the repeating. */
  const openSender = (giveUpAt = Number.POSITIVE_INFINITY, requestCountMax?: number): Sender => {
    if (isClosed) throw new ClosedError("drain");
    return new Sender({ client: settings.redis, clock, requestTimeoutMs, giveUpAt, requestCountMax });
  };
  const openBroker = brokerFor(settings, keys);
  /** Where the search for working lists without a lease has come to; kept while this process lives. */
  let adoptCursor = "0";

  const close = async (): Promise<void> => {
    isClosed = true;
    await settings.redis.close();
  };

  const runOnce = async ({
    budgetMs,
    signal,
    chain,
    ...limited
  }: CheckedRunOptions): Promise<DrainReport> => {
    const startedAt = clock.now();
    const deadline = runDeadline(startedAt, budgetMs, settings.reserveMs);
    const sender = openSender(deadline.endAt, limited.maxRequests);
    const broker = openBroker(sender);
    const stopper = new Stopper(clock, deadline, signal);
    try {
      return await runDrain({
        ...settings,
        ...limited,
        broker,
        processor: processorFor(settings, broker),
        stopper,
        deadline,
        meter: sender.meter,
        startedAt,
        markersPerMessage: settings.handler && isIdempotent(settings.handler) ? 1 : 0,
        chain: chain ?? { id: settings.randomId(), hop: 0 },
      });
    } finally {
      stopper.dispose();
    }
  };

  return {
    list,
    deadLetters: deadLetters(openSender, keys),
    async run(runOptions = {}) {
      const checked = checkRunOptions(runOptions);
      if (isClosed) throw new ClosedError("drain");
      // What a run does itself is in its own report: here a clock or a randomId of the user's has thrown.
      return runOnce(checked).catch(brokenReport);
    },
    async recover() {
      const { recovered, problem } = await openBroker(openSender()).recover();
      if (problem) throw problem;
      let adopted = 0;
      for (let step = 0; step < limits.scanStepsMax; step++) {
        const found = await openBroker(openSender()).adopt(adoptCursor);
        adopted += found.adopted;
        adoptCursor = found.cursor;
        if (found.cursor === "0") break;
      }
      return { recovered, adopted };
    },
    stats: async () => openBroker(openSender()).stats(),
    push: async (payloads, pushOptions = {}) => {
      const context = {
        sender: openSender(),
        keys,
        codec: settings.codec,
        canRunScripts: settings.engine === "scripted",
      };
      return pushMessages({ ...context, randomId: () => holderOf(settings) }, payloads, pushOptions);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function brokerFor(settings: DrainSettings, keys: ListKeys): (sender: Sender) => Broker {
  const { engine, maxBatchBytes, maxConcurrency, visibilityTimeoutMs, maxAttempts, continuation } = settings;
  const workingList = sharedWorkingList(settings, keys);
  const size = new ClaimSize();
  return (sender) => {
    const shared = { sender, keys, holder: holderOf(settings), maxBatchBytes };
    if (typeof engine === "string") {
      const marksBusy = continuation !== undefined;
      return scriptedBroker({ ...shared, maxConcurrency, policy: policyOf(settings), marksBusy, size });
    }
    const deadCountMax = settings.deadLetters.maxCount ?? 0;
    return (engine as typeof plainBroker)({
      ...shared,
      workingList,
      visibilityTimeoutMs,
      maxAttempts,
      deadCountMax,
    });
  };
}

function processorFor(settings: DrainSettings, broker: Broker): ProcessorOptions {
  const { maxAttempts, retryDelay, random } = settings;
  return {
    ...settings,
    policy: { maxAttempts, retryDelay, random },
    markDone: (batch, at, ttlMs) => broker.markDone(batch, at, ttlMs),
  };
}

/** Names a run. The name goes into keys and into members that are read by their first colon. */
function holderOf({ randomId }: DrainSettings): string {
  const holder: unknown = randomId();
  void whenSettled(holder);
  if (typeof holder !== "string" || !/^[\w-]+$/.test(holder)) {
    throw new OptionError("randomId", "a function that returns letters, digits, _ and -", show(holder));
  }
  return holder;
}

function policyOf({
  maxAttempts,
  deadLetters,
  brake,
  batchSize = limits.batchCount,
}: DrainSettings): TurnPolicy {
  const { maxCount = 0, maxAgeMs = 0 } = deadLetters;
  return { maxAttempts, deadCountMax: maxCount, deadAgeMsMax: maxAgeMs, brake, batchSize };
}
