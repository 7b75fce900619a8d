import { systemClock } from "../../src/clock.ts";
import { jsonCodec } from "../../src/handling/codec.ts";
import { type Processed, type ProcessorOptions, processBatch } from "../../src/handling/processor.ts";
import { Stopper } from "../../src/run/deadline.ts";

/** Redis' clock when the batch is claimed, and how long its lease runs, ms. */
export const claimedAt = 1_800_000_000_000;
const leaseMs = 60_000;

/** Runs a processor over one batch of `count` messages, `"0"`, `"1"` and so on. */
export async function processAll(count: number, options: Partial<ProcessorOptions>): Promise<Processed> {
  const { clock = systemClock } = options;
  const now = clock.now();
  const stopper = new Stopper(
    clock,
    { stopAt: now + 10_000, leaveAt: now + 11_000, endAt: now + 12_000 },
    undefined,
  );
  const messages = Array.from({ length: count }, (_, at) => ({
    raw: String(at),
    earlierAttempts: 0,
    crashes: 0,
    firstFailedAt: null,
  }));
  const batch = { id: "drain.1", messages, expiresAt: claimedAt + leaseMs, leaseEndsAt: now + leaseMs };
  try {
    return await processBatch(batch, stopper, {
      list: "mail",
      codec: jsonCodec,
      clock,
      concurrency: 10,
      handlerTimeoutMs: undefined,
      handler: undefined,
      batchHandler: undefined,
      batchBy: undefined,
      schema: undefined,
      sentAt: undefined,
      policy: { maxAttempts: 5, retryDelay: { baseMs: 1_000, maxMs: 900_000 }, random: () => 0.5 },
      markDone: async () => undefined,
      ...options,
    });
  } finally {
    stopper.dispose();
  }
}
