import type { Clock } from "../clock.ts";
import { attempt } from "../options/show.ts";
import { whenSettled } from "./guest.ts";
import type { Message } from "./message.ts";

/** When a message was sent: epoch ms, a `Date`, or its text; what is none of these says nothing. */
export type SentAt<Value> = (message: Message<Value>) => number | string | Date | null | undefined;

/** How old the oldest of these messages is, ms, by what they say themselves; null where none says it. */
export function oldestMs(
  messages: readonly Message[],
  { sentAt, clock }: { readonly sentAt: SentAt<unknown> | undefined; readonly clock: Clock },
): number | null {
  let oldest: number | null = null;
  for (const message of sentAt ? messages : []) {
    const ageMs = clock.now() - (attempt(() => moment(sentAt?.(message))) ?? 0);
    // Clocks differ a little: what seems to come from the future has just been sent.
    if (ageMs < clock.now()) oldest = Math.max(oldest ?? 0, ageMs);
  }
  return oldest;
}

/** 0 for what is no moment. */
function moment(said: unknown): number {
  void whenSettled(said);
  return new Date(said as string).getTime() || 0;
}
