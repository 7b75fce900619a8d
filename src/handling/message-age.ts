import type { Clock } from "../clock.ts";
import { attempt } from "../options/show.ts";
import { whenSettled } from "./guest.ts";
import type { Message } from "./message.ts";

/** Says when a message was sent: epoch ms, a `Date`, or its text. Anything else counts as not known. */
export type SentAt<Value> = (message: Message<Value>) => number | string | Date | null | undefined;

/** How old the oldest of these messages is, ms, as `sentAt` says; null where it says nothing of any. */
export function oldestMs(
  messages: readonly Message[],
  { sentAt, clock }: { readonly sentAt: SentAt<unknown> | undefined; readonly clock: Clock },
): number | null {
  let oldest: number | null = null;
  for (const message of sentAt ? messages : []) {
    const ageMs = clock.now() - (attempt(() => moment(sentAt?.(message))) ?? 0);
    // Clocks differ a little: a message that seems to come from the future has just been sent.
    if (ageMs < clock.now()) oldest = Math.max(oldest ?? 0, ageMs);
  }
  return oldest;
}

/** Epoch ms; 0 for what is no time. */
function moment(said: unknown): number {
  void whenSettled(said);
  return new Date(said as string).getTime() || 0;
}
