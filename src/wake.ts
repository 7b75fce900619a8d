import { numberOf } from "./broker/replies.ts";
import { type Continuation, type Declined, invokeFirst } from "./continuation.ts";
import { asError } from "./guest.ts";
import type { RunnerParts } from "./runner.ts";
import { sharedWorkingList } from "./shared-working-list.ts";

/** Whether a push started a drain, and why not where it tried to. */
export interface Woken {
  readonly woken: boolean;
  /** What kept the continuation from starting one; the next tick does. */
  readonly wakeError: Error | null;
}

/**
 * Has the continuation start a drain of a list that was empty a moment ago, unless one is live. Never rejects: the
 * messages are pushed, and the next tick finds them.
 */
export async function wake(continuation: Continuation, parts: RunnerParts): Promise<Woken> {
  const { settings, keys, openSender } = parts;
  const { clock, random, randomId, requestTimeoutMs, list } = settings;
  try {
    // The mark goes in the very step in which a drain finds nothing more: who pushes after that finds none.
    // Of the plain engine's drains only what they hold is known.
    const mark = settings.engine === "scripted" ? keys.busy : sharedWorkingList(settings, keys);
    if ((await numberOf(openSender(), ["EXISTS", mark])) > 0) return { woken: false, wakeError: null };
    const endAt = clock.now() + requestTimeoutMs;
    const said: "continued" | Declined = await invokeFirst(continuation, {
      list,
      clock,
      random,
      randomId,
      endAt,
    });
    if (said === "continued") return { woken: true, wakeError: null };
    return { woken: false, wakeError: new Error(`The continuation declined: ${said.declined}`) };
  } catch (error) {
    return { woken: false, wakeError: asError(error) };
  }
}
