import { type Continuation, OptionError } from "../../../src/index.ts";
import type { Invocation } from "./options.ts";
import type { Service } from "./types.ts";

/** The header in which a drain tells the next one its chain: `<id> <hop>`. */
export const chainHeader = "Spillway-Chain";

/**
 * A Worker may be called 16 times deep by Workers, and `waitUntil` does not reset the count; whoever called this one
 * may have used up some. Source: Workers "Errors", loop limit.
 */
const maxHopsDefault = 14;

/**
 * Goes on by calling this Worker through a service binding to itself: `POST /drain` with its own bearer token, answered
 * 202 at once. Each call is one level deeper in the same request, so a chain declines after `maxHops` (14, of the
 * platform's 16) and the next tick begins another. Throws `OptionError` for a missing binding or token.
 */
export function serviceBinding<Env>(
  pick: (env: Env) => Service | undefined,
  options: { readonly maxHops?: number } = {},
): (env: Env, invocation: Invocation) => Continuation {
  const { maxHops = maxHopsDefault } = options;
  if (!Number.isInteger(maxHops) || maxHops < 0 || maxHops > 16) {
    throw new OptionError("maxHops", "a whole number from 0 to 16", String(maxHops));
  }
  return (env, { token }) => {
    const service = pick(env);
    if (typeof service?.fetch !== "function") {
      throw new OptionError(
        "continuation",
        "serviceBinding with a service binding",
        "no such binding in env",
      );
    }
    if (token === undefined) {
      throw new OptionError("token", "a token: the service binding calls POST /drain with it", "none");
    }
    return {
      name: "service-binding",
      invoke: async ({ chain, timeoutMs }) => {
        if (chain.hop > maxHops) {
          return {
            declined: `The chain is ${maxHops} calls deep, and Workers end it at 16; the next tick goes on.`,
          };
        }
        const answer = await service.fetch("https://spillway/drain", {
          method: "POST",
          headers: {
            Authorization: `Bearer ${token}`,
            Prefer: "respond-async",
            [chainHeader]: `${chain.id} ${chain.hop}`,
          },
          signal: AbortSignal.timeout(timeoutMs),
        });
        await answer.text();
        if (answer.status !== 202) throw new Error(`The service binding answered ${answer.status}, not 202.`);
        return null;
      },
    };
  };
}
