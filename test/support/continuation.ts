import { goOn } from "../../src/chain/continuation.ts";
import { systemClock } from "../../src/clock.ts";
import type { Continuation, Declined, Hop, NextDrain } from "../../src/index.ts";

/** What a continuation is asked to invoke, for tests that ask it once, by themselves. */
export function nextDrain(hop: Hop): NextDrain {
  return { ...hop, sendId: crypto.randomUUID(), signal: AbortSignal.timeout(10_000) };
}

/**
 * Has a continuation invoke the next drain as a drain does whose budget has ended: within the time given, at least 500 ms,
 * again where it may, and no further than `maxHops`. Null where it did.
 */
export async function invokeBy(
  continuation: Continuation,
  { list, chain }: Hop,
  timeoutMs = 5_000,
): Promise<Declined | null> {
  const said = await goOn(
    continuation,
    {
      stopped: "budget",
      progressCount: 1,
      retriedCount: 0,
      remaining: 1,
      nextDueAt: null,
      leftUntil: null,
      redisNow: 0,
    },
    {
      list,
      chain: { id: chain.id, hop: chain.hop - 1 },
      maxConcurrency: 1,
      endAt: systemClock.now() + timeoutMs,
      clock: systemClock,
      random: Math.random,
      randomId: () => crypto.randomUUID(),
    },
  );
  return typeof said === "string" ? null : said;
}
