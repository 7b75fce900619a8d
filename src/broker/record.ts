import type { ClaimedMessage } from "../message.ts";
import type { ByteString } from "../redis-client.ts";

/** How a message has fared before this claim. */
type Fare = Omit<ClaimedMessage, "raw">;

/** The fare of a message that never failed. */
export const unharmed: Fare = { earlierAttempts: 0, crashes: 0, firstFailedAt: null };

/** Reads a record, as the turn script's header describes it; of several joined ones the first. */
export function readFare(record: ByteString | undefined): Fare {
  const [, attempts, crashes, firstFailedAt] = /^(\d+)\.(\d+)\.\d+@(\d+)/.exec(record ?? "") ?? [];
  if (firstFailedAt === undefined) return unharmed;
  return {
    earlierAttempts: Number(attempts),
    crashes: Number(crashes),
    firstFailedAt: Number(firstFailedAt),
  };
}
