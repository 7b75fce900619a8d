import { OptionError } from "../../src/index.ts";
import { integer, required, text } from "../../src/internals.ts";

export const requestTimeoutMsDefault = 10_000;

/** How long a request may take, ms. Longer than a day, timers would take it for no time at all. */
export const requestTimeoutMs = integer({ min: 1, max: 86_400_000, default: requestTimeoutMsDefault });

/** A secret, or what may hold one: it is shown in no error. */
export function secret(wanted: string) {
  return required(text({ isSecret: true, wanted: `${wanted}, without white space` }));
}

/** Refuses an instance that has a `keyPrefix`. */
export function refusePrefix(client: string, keyPrefix: unknown): void {
  if (!keyPrefix) return;
  const wanted = "a client without keyPrefix: it would rename some keys and not others";
  throw new OptionError(client, wanted, "one with it");
}
