import * as limits from "../../src/limits.ts";
import { slotsToStart } from "../../src/scale/scale.ts";
import { Waves } from "../../src/scale/scale-out.ts";
import { assumed, published } from "./limits.ts";

export interface Burst {
  readonly messages: number;
  /** One handler, ms. */
  readonly handlerMs: number;
  /** Handlers at once in one drain. With SQS one invocation handles its batch in the same way. */
  readonly concurrency: number;
  readonly maxConcurrency: number;
  /** Messages of the first batch. Default: 100. */
  readonly batchSize?: number;
  /** Of the cluster that the list's shards are on. Default: 1, which is a list without shards. */
  readonly redisNodes?: number;
  /** Where it runs. Default: Lambda. */
  readonly platform?: Platform;
}

export interface Course {
  /** Drains that live, or invocations that run, by time, ms. */
  readonly ramp: readonly { readonly atMs: number; readonly live: number }[];
  /** When the last message has been handled, ms. */
  readonly emptyMs: number;
  /** Drains that were started and found no slot. */
  readonly surplus: number;
}

interface Drain {
  readonly slot: number;
  readonly waves: Waves;
  /** It decides at its turns with Redis: when it begins, and when each batch has ended. */
  nextTurnAt: number;
  asked: number;
}

const stepMs = 5;
const withinMs = 2_000;

/**
 * A burst that one tick finds. The drains start others by the code that ships, `src/scale/scale.ts` and `Waves`, and the
 * platform lets them begin as it says. Time moves in steps of 5 ms; Redis gives no more than it can. When as many drains live
 * as may, and none is on its way, only what is left still changes: then the rest is one division.
 */
export function spillway(burst: Burst): Course {
  const { maxConcurrency, handlerMs, concurrency, batchSize = 100 } = burst;
  const { redisNodes = 1, platform = platforms.lambda } = burst;
  const msPerMessage = handlerMs / concurrency;
  // Look and first claim; the first drain starts others when its first message is done, or its first batch.
  const { startMs, roundTripMs = assumed.roundTripMs }: Platform = platform;
  const claimMs = 2 * roundTripMs;
  const firstMs = Math.min(
    Math.max(1, batchSize / concurrency) * handlerMs,
    Math.max(limits.firstBatchMs, handlerMs),
  );
  const redisRate = (redisNodes * assumed.redisMessagesPerSecond) / 1_000;
  // Batches of quick messages grow.
  const turnMs = Math.max(limits.batchMs, (batchSize / concurrency) * handlerMs);
  const ramp: { atMs: number; live: number }[] = [];
  const live: Drain[] = [];
  let waiting: { readonly at: number; readonly slot: number }[] = [{ at: startMs + claimMs, slot: 0 }];
  let remaining = burst.messages;
  let environments = 1;
  let surplus = 0;
  let atMs = 0;
  for (; remaining > 0; atMs += stepMs) {
    const due = waiting.filter(({ at }) => at <= atMs);
    waiting = waiting.filter(({ at }) => at > atMs);
    for (const { at, slot } of due) {
      if (live.length >= maxConcurrency) surplus += 1;
      else {
        const waves = new Waves({ id: slot > 0 ? `burst~${slot}.1` : "burst", hop: 1 });
        live.push({ slot, waves, nextTurnAt: live.length === 0 ? at + firstMs : at, asked: 0 });
      }
    }
    const count = live.length;
    const rate = Math.min(count / msPerMessage, redisRate);
    if (ramp.at(-1)?.live !== count) ramp.push({ atMs, live: count });
    if (count === maxConcurrency && waiting.length === 0) {
      return { ramp, emptyMs: atMs + remaining / rate, surplus };
    }
    for (const [rank, drain] of live.entries()) {
      if (atMs < drain.nextTurnAt) continue;
      drain.nextTurnAt = atMs + turnMs;
      drain.waves.noteLive(count);
      if (!drain.waves.isDue(atMs)) continue;
      const outlook = { remaining, live: count, rank, maxConcurrency, msPerMessage, withinMs };
      const helpers = drain.waves.decide(outlook, atMs);
      for (const slot of slotsToStart(drain.slot, helpers, drain.asked, maxConcurrency)) {
        environments += 1;
        const at = Math.max(atMs, platform.earliestOf(environments)) + startMs + claimMs;
        waiting.push({ at, slot });
      }
      drain.asked += helpers;
    }
    remaining -= rate * stepMs;
  }
  return { ramp, emptyMs: atMs, surplus };
}

/** What a platform makes of a chain that is started. */
export interface Platform {
  readonly name: string;
  /** From the call to the drain's begin in a place that is new, ms. */
  readonly startMs: number;
  /** Between a drain and Redis, ms. Default: as assumed. */
  readonly roundTripMs?: number;
  /** When the nth new place may begin, ms since the first. */
  earliestOf(count: number): number;
}

export const platforms = {
  lambda: {
    name: "Lambda",
    startMs: assumed.invokeMs + assumed.coldStartMs,
    // The first thousand at once, then so many a second.
    earliestOf(count) {
      const { lambdaEnvironmentsPer10s } = published;
      return Math.max(0, ((count - lambdaEnvironmentsPer10s) / lambdaEnvironmentsPer10s) * 10_000);
    },
  },
  workers: {
    name: "Workers",
    startMs: assumed.objectMs + assumed.alarmMs,
    // No limit is published for how many objects may begin at once; what one drain asks together is bounded.
    earliestOf: () => 0,
  },
} as const satisfies Record<string, Platform>;

/** The same burst from SQS: five pollers at first, and 300 more a minute, each with one batch of ten at a time. */
export function sqs({ messages, handlerMs, concurrency }: Burst): Course {
  const { sqsFirst, sqsMoreAMinute, sqsMost } = published;
  const batchMs = Math.ceil(assumed.sqsBatch / concurrency) * handlerMs + assumed.invokeMs;
  const ramp: { atMs: number; live: number }[] = [];
  let remaining = messages;
  const { startMs } = platforms.lambda;
  let atMs: number = startMs;
  for (; remaining > 0; atMs += stepMs) {
    const minutes = (atMs - startMs) / 60_000;
    const live = Math.min(sqsMost, Math.floor(sqsFirst + sqsMoreAMinute * minutes));
    if (ramp.at(-1)?.live !== live) ramp.push({ atMs, live });
    const perMs = (live * assumed.sqsBatch) / batchMs;
    if (live === sqsMost) return { ramp, emptyMs: atMs + remaining / perMs, surplus: 0 };
    remaining -= perMs * stepMs;
  }
  return { ramp, emptyMs: atMs, surplus: 0 };
}

/** When so many were first live; null where they never were. */
export function reached({ ramp }: Course, live: number): number | null {
  return ramp.find((point) => point.live >= live)?.atMs ?? null;
}
