import { InvalidArgumentError } from "commander";

/** Reads a whole number from `min` to `max` of an option. What it refuses is said without the value. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`wanted: a whole number ${range}.`);
  };
}

export const readCount = wholeNumber(1);
export const readPort = wholeNumber(0, 65_535);

/** Reads a moment: an ISO date, or epoch ms. */
export function readMoment(text: string): number {
  const ms = /^\d+$/.test(text)
    ? Number(text)
    : /^\d{4}-\d{2}-\d{2}/.test(text)
      ? Date.parse(text)
      : Number.NaN;
  if (!Number.isFinite(new Date(ms).getTime())) {
    throw new InvalidArgumentError('wanted: a date such as "2026-11-27T13:45:00Z", or epoch ms.');
  }
  return ms;
}
