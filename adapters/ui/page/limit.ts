import type { ListLimit, RateLimit } from "../../../src/index.ts";
import { showCount, showSpan } from "./format.ts";

/** How much all drains of a list may claim together; null where that has no limit. */
export function rateOf({ messages, windowMs }: ListLimit): RateLimit | null {
  return messages === undefined || windowMs === undefined ? null : { messages, windowMs };
}

/** What a list, and each of its keys, may have: a text for each. */
export function limitTexts(limit: ListLimit | null): string[] {
  const rate = limit && rateOf(limit);
  const ofKey = limit?.perKey && rateOf(limit.perKey);
  const atOnce = limit?.perKey?.inFlight;
  return [
    ...(rate ? [rateText(rate)] : []),
    ...(ofKey ? [`${rateText(ofKey)} a key`] : []),
    ...(atOnce === undefined ? [] : [`${showCount(atOnce)} at once a key`]),
  ];
}

function rateText({ messages, windowMs }: RateLimit): string {
  return `${showCount(messages)} in ${windowMs < 60_000 ? `${windowMs / 1_000} s` : showSpan(windowMs)}`;
}

/** The limits with another rate, or with none. What each key may have stays: this page cannot change it. */
export function withRate(limit: ListLimit | null, rate: RateLimit | null): ListLimit | null {
  return limit?.perKey ? { ...rate, perKey: limit.perKey } : rate;
}
