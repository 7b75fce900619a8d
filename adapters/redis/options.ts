import { OptionError } from "../../src/index.ts";

const requestTimeoutMsDefault = 10_000;
/** Longer, and timers would take it for no time at all. */
const requestTimeoutMsMax = 86_400_000;

/** `requestTimeoutMs`, or its default. Throws `OptionError`. */
export function readRequestTimeout({ requestTimeoutMs: given }: { requestTimeoutMs?: unknown }): number {
  if (given === undefined) return requestTimeoutMsDefault;
  const isWhole = typeof given === "number" && Number.isInteger(given);
  if (!isWhole || given < 1 || given > requestTimeoutMsMax) {
    throw new OptionError(
      "requestTimeoutMs",
      `a whole number of ms from 1 to ${requestTimeoutMsMax}`,
      // Whatever is no number may be a secret in the wrong place.
      typeof given === "number" ? String(given) : typeof given,
    );
  }
  return given;
}

/** Says so where white space, often the newline of a file, makes an address or a secret another one. Shows neither. */
export function refuseWhiteSpace(option: string, given: unknown): void {
  if (typeof given !== "string" || !/\s/.test(given)) return;
  const isAtEnds = !/\s/.test(given.trim());
  throw new OptionError(
    option,
    "given without white space",
    isAtEnds ? "one with white space, perhaps a newline, at its ends: trim it" : "one with white space in it",
  );
}
