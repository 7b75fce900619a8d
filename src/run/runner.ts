import type { Broker, DrainStats } from "../broker/broker.ts";
import { ClaimSize } from "../broker/claim-size.ts";
import { ListFromLeft } from "../broker/from-left.ts";
import type { plainBroker } from "../broker/plain.ts";
import { scriptedBroker } from "../broker/scripted.ts";
import { sharedWorkingList } from "../broker/shared-working-list.ts";
import type { TurnPolicy } from "../broker/turn-request.ts";
import { OptionError } from "../errors.ts";
import { watched } from "../events/watcher.ts";
import { isIdempotent } from "../handling/idempotent.ts";
import type { ProcessorOptions } from "../handling/processor.ts";
import * as limits from "../limits.ts";
import type { PlainEngine } from "../options/drain-options.ts";
import { checkDrainOptions, type DrainSettings, type MakeListeners } from "../options/drain-settings.ts";
import { type CheckedRunOptions, checkRunOptions, type RunOptions } from "../options/run-options.ts";
import { show } from "../options/show.ts";
import type { Orders } from "../order/order-option.ts";
import { type ListKeys, listKeys } from "../redis/keys.ts";
import { Sender } from "../redis/sender.ts";
import type { ScaleOut } from "../scale/scale-out.ts";
import { runDeadline, Stopper } from "./deadline.ts";
import { runDrain } from "./drain.ts";
import { LiveRuns } from "./live-runs.ts";
import type { DrainReport } from "./report.ts";
import type { Learned, RunParts } from "./run-parts.ts";

/** What a host needs of a drain: to run it and to read its state. Each verb is described at `Drain`. */
export interface Runner {
  readonly list: string;
  run(options?: RunOptions): Promise<DrainReport>;
  stats(): Promise<DrainStats>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the verbs of a drain are made of. */
export interface RunnerParts {
  readonly settings: DrainSettings;
  readonly keys: ListKeys;
  openSender(): Sender;
  openBroker(sender: Sender, stopper?: Stopper): Broker;
  /** One run, with some of its parts replaced. Rejects only where the clock or the randomId throws. */
  runWith(options: CheckedRunOptions, parts: Partial<RunParts>): Promise<DrainReport>;
}

/**
 * The part of `createDrain` that runs, for hosts where each kilobyte counts. The plain engine comes along only where it is
 * given, here or as the option `engine`. Throws `OptionError` naming the option, what it must be, and what was given.
 */
export function makeRunner(
  options: unknown,
  plain?: PlainEngine,
  scaler?: ScaleOut,
  orders?: Orders,
  makeListeners?: MakeListeners,
): Runner & { readonly parts: RunnerParts } {
  const settings = checkDrainOptions(options, plain, orders, makeListeners);
  const { list, clock, requestTimeoutMs, maxConcurrency, engine, continuation } = settings;
  const given = settings.scaleOut === undefined || settings.scaleOut === true ? scaler : settings.scaleOut;
  if (settings.scaleOut && !given)
    throw new OptionError("scaleOut", "scaleOut() (of spillway) on Workers", "true");
  const scales = given && maxConcurrency > 1 && engine === "scripted" && continuation;
  const keys = listKeys(list);
  const fromLeft = settings.consumeFrom === "left" ? new ListFromLeft(keys.list) : undefined;
  const live = new LiveRuns();
  /** Outside a run, only the count of sendings ends the repeating. */
  const openSender = (giveUpAt = Number.POSITIVE_INFINITY, requestCountMax?: number): Sender => {
    live.expectOpen();
    const client = settings.redis;
    return new Sender({
      client,
      clock,
      requestTimeoutMs,
      giveUpAt,
      requestCountMax,
      near: keys.list,
      fromLeft,
    });
  };
  const openBroker = brokerFor(settings, keys);
  const learned: Learned = { batchCount: limits.batchCount };

  const close = async (): Promise<void> => {
    await live.end();
    await settings.redis.close();
  };

  const runWith: RunnerParts["runWith"] = async (
    { budgetMs, signal, abortMs, chain, ...limited },
    others,
  ) => {
    const startedAt = clock.now();
    const { deadline = runDeadline(startedAt, budgetMs, settings.reserveMs) } = others;
    const sender = openSender(deadline.endAt, limited.maxRequests);
    const stopper = new Stopper(clock, deadline, signal, abortMs);
    const broker = openBroker(sender, stopper);
    try {
      const parts: RunParts = {
        ...settings,
        ...limited,
        broker,
        learned,
        scaleOut: scales ? given : undefined,
        processor: processorFor(settings, broker),
        stopper,
        deadline,
        meter: sender.meter,
        startedAt,
        markersPerMessage: settings.handler && isIdempotent(settings.handler) ? 1 : 0,
        chain: chain ?? { id: settings.randomId(), hop: 0 },
        ...others,
      };
      const run = () => runDrain(settings.watchers.reduceRight((inner, one) => one.watch(inner), parts));
      // A slice is part of a longer run, which is watched as a whole.
      if (others.onEnd) return await run();
      return await watched(settings.watchers, { ...parts, list, endAt: deadline.endAt }, run);
    } finally {
      stopper.dispose();
    }
  };

  return {
    list,
    run: async (runOptions = {}) => live.run(checkRunOptions(runOptions), (checked) => runWith(checked, {})),
    stats: async () => openBroker(openSender()).stats(),
    close,
    [Symbol.asyncDispose]: close,
    parts: { settings, keys, openSender: () => openSender(), openBroker, runWith },
  };
}

function brokerFor(settings: DrainSettings, keys: ListKeys): (sender: Sender, stopper?: Stopper) => Broker {
  const {
    engine,
    ordering,
    unparking,
    maxBatchBytes,
    maxConcurrency,
    visibilityTimeoutMs,
    maxAttempts,
    continuation,
  } = settings;
  const workingList = sharedWorkingList(settings, keys);
  const size = new ClaimSize();
  return (sender, stopper) => {
    const shared = { sender, keys, holder: holderOf(settings), maxBatchBytes };
    if (typeof engine === "string") {
      const marksBusy = continuation !== undefined;
      const context = { settings, sender, keys, stopper };
      return scriptedBroker({
        ...shared,
        maxConcurrency,
        policy: policyOf(settings),
        marksBusy,
        size,
        turns: ordering?.turns(context),
        unparking: unparking && (() => unparking.turns(context)),
      });
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
    markDone: broker.markDone?.bind(broker),
  };
}

/** Names a run. The name stands in keys, and in members before their first colon. */
export function holderOf({ randomId }: DrainSettings): string {
  const holder: unknown = randomId();
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
