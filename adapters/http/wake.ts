import type { Woken } from "../../src/index.ts";
import type { Call } from "./call.ts";

/**
 * Drains beside the answer to whoever calls for it, where the platform gives a `waitUntil`; null where it gives none. One
 * drain runs at a time, and once more where it was asked for meanwhile: the one that runs may have seen the list for the
 * last time. `run` does not reject.
 */
export function besideAnswers(run: () => Promise<unknown>): (call: Call) => Woken | null {
  let askedCount = 0;
  const drain = async (): Promise<void> => {
    while (askedCount > 0) {
      askedCount = 1;
      await run();
      askedCount -= 1;
    }
  };
  return ({ waitUntil }) => {
    if (!waitUntil) return null;
    askedCount += 1;
    const woken = askedCount === 1;
    if (woken) waitUntil(drain());
    return { woken, wakeError: null };
  };
}
