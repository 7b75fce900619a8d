import { OptionError } from "../../../src/index.ts";

/**
 * Throws `OptionError` for an option that is given and is no number of at least 0: a `NaN`, such as an environment
 * variable that is not set makes, would let every call count for ever.
 */
export function refuseNoNumbers(options: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && (!Number.isFinite(value) || value < 0)) {
      throw new OptionError(name, "a number of at least 0", String(value));
    }
  }
}
