import type { Clock } from "../../src/index.ts";

/**
 * A clock on which waits pass at once, for what does not depend on how long they are. Those of `limitMs` and more never
 * end: time limits, which nothing here may reach.
 */
export function hastyClock(now: () => number, limitMs = Number.POSITIVE_INFINITY): Clock {
  return {
    now,
    after: (ms, callback) => {
      if (ms < limitMs) queueMicrotask(callback);
      return () => undefined;
    },
  };
}
