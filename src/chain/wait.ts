import { numberOf } from "../broker/replies.ts";
import { type Clock, sleep } from "../clock.ts";
import { RedisReplyError } from "../errors.ts";
import * as limits from "../limits.ts";
import {
  type Checked,
  checkOptions,
  integer,
  type Kinds,
  object,
  required,
} from "../options/option-kinds.ts";
import type { RunnerParts } from "../run/runner.ts";

/** Options of `waitForMessage`, which throws `OptionError` for a bad one. */
export interface WaitOptions {
  /** ms, from 1 to 86,400,000. */
  timeoutMs: number;
  /** Aborting it ends the wait. */
  signal?: AbortSignal | undefined;
}

const waitKinds = {
  timeoutMs: required(integer({ min: 1, max: 86_400_000 })),
  signal: object<AbortSignal>({ methods: ["addEventListener"], wanted: "an AbortSignal" }),
} satisfies Kinds<WaitOptions>;

export function checkWaitOptions(options: unknown): Checked<typeof waitKinds> {
  return checkOptions(waitKinds, options);
}

/** Waits until the list holds a message. Resolves with whether it does. */
export async function waitForMessage(
  { settings, keys, openSender }: RunnerParts,
  options: WaitOptions,
): Promise<boolean> {
  const { timeoutMs, signal = new AbortController().signal } = checkWaitOptions(options);
  const { redis, clock, requestTimeoutMs } = settings;
  const { list } = keys;
  const sender = openSender();
  const endAt = clock.now() + timeoutMs;
  if (redis.block && !signal.aborted) {
    try {
      // From its right end to its right end: it waits, and moves nothing.
      const command = ["BLMOVE", list, list, "RIGHT", "RIGHT", timeoutMs / 1_000] as const;
      const reply = await redis.block(command, { timeoutMs: timeoutMs + requestTimeoutMs, signal });
      return reply !== null;
    } catch (error) {
      if (signal.aborted) return false;
      // Refused: an old server, or a user without the right. Then it asks.
      if (!(error instanceof RedisReplyError)) throw error;
    }
  }
  return askUntil(async () => (await numberOf(sender, ["EXISTS", list])) > 0, endAt, clock, signal);
}

/** Asks once a second until the answer is yes, or the time is over. Resolves with the last answer. */
export async function askUntil(
  ask: () => Promise<boolean>,
  endAt: number,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  while (!signal?.aborted) {
    if (await ask()) return true;
    const leftMs = endAt - clock.now();
    if (leftMs <= 0) return false;
    await sleep(clock, Math.min(leftMs, limits.askMs));
  }
  return false;
}
