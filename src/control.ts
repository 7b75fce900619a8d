import { numberOf, pipelined } from "./broker/replies.ts";
import { OptionError } from "./errors.ts";
import type { ListKeys } from "./keys.ts";
import * as limits from "./limits.ts";
import { checkOptions, integer, type Kinds, required } from "./option-kinds.ts";
import type { Sender } from "./sender.ts";

/** At most so many messages in each window of time, over all drains of a list. */
export interface RateLimit {
  /** From 1 to 1,000,000,000. */
  readonly messages: number;
  /** ms, from 1 to 86,400,000. A window begins with the first message claimed in it. */
  readonly windowMs: number;
}

/** The limits of one list, which its drains read from Redis at their next turn: when the batch in hand ends. */
export interface Limits {
  /**
   * Sets the rate limit for all drains, those that run included; null takes it away. Counted are messages claimed, each
   * attempt anew. A drain that has reached it stops as `rate-limited`, and its `nextDueAt` is the next window. Throws
   * `OptionError` for a bad one, and with the plain engine.
   */
  set(limit: RateLimit | null): Promise<void>;
  /** Reads it; null where there is none. */
  get(): Promise<RateLimit | null>;
}

const rateKinds = {
  messages: required(integer({ min: 1, max: 1_000_000_000 })),
  windowMs: required(integer({ min: 1, max: 86_400_000 })),
} satisfies Kinds<RateLimit>;

/** Throws `OptionError` for what is no limit. */
export function checkRate(limit: unknown): RateLimit | null {
  return limit === null ? null : checkOptions(rateKinds, limit, "limit");
}

/** `canLimit`: whether the engine counts claims, which the plain one does not. */
export function limitsOf(openSender: () => Sender, { control }: ListKeys, canLimit: boolean): Limits {
  return {
    async set(limit) {
      if (!canLimit)
        throw new OptionError("limits", 'set with engine: "scripted", which counts claims', "plain");
      const rate = checkRate(limit);
      await numberOf(
        openSender(),
        rate
          ? ["HSET", control, "limit", rate.messages, "windowMs", rate.windowMs]
          : ["HDEL", control, "limit", "windowMs", "endsAt", "used"],
      );
    },
    async get() {
      const [found] = await pipelined(openSender(), [["HMGET", control, "limit", "windowMs"]]);
      const [messages, windowMs] = Array.isArray(found) ? found.map(Number) : [];
      // What the script cannot read as a limit is none.
      return isReadable(messages, 2 ** 53) && isReadable(windowMs, limits.leaseMsMax)
        ? { messages, windowMs }
        : null;
    },
  };
}

function isReadable(value: number | undefined, max: number): value is number {
  return value !== undefined && value >= 1 && value <= max;
}

/** Tells all drains of a list to pause, or to go on. */
export async function setPaused(sender: Sender, { control }: ListKeys, isPaused: boolean): Promise<void> {
  await numberOf(sender, isPaused ? ["HSET", control, "paused", 1] : ["HDEL", control, "paused"]);
}
