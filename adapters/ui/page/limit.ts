import type { ListLimit, RateLimit } from "../../../src/index.ts";

/** How much all drains of a list may claim together; null where that has no limit. */
export function rateOf({ messages, windowMs }: ListLimit): RateLimit | null {
  return messages === undefined || windowMs === undefined ? null : { messages, windowMs };
}

/** The limits with another rate, or with none. What each key may have stays: this page does not show it, so nobody means it. */
export function withRate(limit: ListLimit | null, rate: RateLimit | null): ListLimit | null {
  return limit?.perKey ? { ...rate, perKey: limit.perKey } : rate;
}
