import { OptionError } from "../../src/index.ts";
import { integer, required, text } from "../../src/internals.ts";

export const requestTimeoutMsDefault = 10_000;

/** How long a request may take, ms. At most a day: a timer that is too long fires at once. */
export const requestTimeoutMs = integer({ min: 1, max: 86_400_000, default: requestTimeoutMsDefault });

/** A secret, or a text that may hold one: no error shows it. */
export function secret(wanted: string) {
  return required(text({ isSecret: true, wanted: `${wanted}, without white space` }));
}

/** Refuses an instance that has a `keyPrefix`. */
export function refusePrefix(client: string, keyPrefix: unknown): void {
  if (!keyPrefix) return;
  const wanted = "a client without keyPrefix: it would rename some keys and not others";
  throw new OptionError(client, wanted, "one with it");
}
