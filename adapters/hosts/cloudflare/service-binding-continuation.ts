import {
  type Continuation,
  ContinuationError,
  OptionError,
  type ReceiveHop,
  readHopText,
  writeHop,
} from "../../../src/index.ts";
import { checkOptions, func, integer, required } from "../../../src/internals.ts";
import { readBytes } from "../../http/body.ts";
import { isBearer } from "../../http/secret.ts";
import type { Invocation } from "./options.ts";
import type { Service } from "./types.ts";

/** The header of a hop by service binding, whose body is the hop. A call by hand does not have it. */
const hopHeader = "Spillway-Hop";

const bodyBytesMax = 65_536;

/**
 * Calls from Worker to Worker may be 16 deep, and `waitUntil` does not reset the count. The caller of this one may have used up
 * some. Source: Workers "Errors", loop limit.
 */
const kinds = { maxHops: integer({ min: 0, max: 16, default: 14 }) };

/**
 * Goes on by calling this Worker through a service binding to itself: `POST /drain` with its own bearer token, which is answered with
 * 202 at once. Each call is one level deeper in the same request, so a chain declines after `maxHops` (14 of the platform's 16), and
 * the next tick begins another. Throws `OptionError` for a missing binding or token.
 */
export function serviceBindingContinuation<Env>(
  pick: (env: Env) => Service | undefined,
  options: { readonly maxHops?: number } = {},
): (env: Env, invocation: Invocation) => Continuation {
  checkOptions({ pick: required(func()) }, { pick });
  const { maxHops } = checkOptions(kinds, options);
  return (env, { token }) => {
    const service = pick(env);
    if (typeof service?.fetch !== "function") {
      throw new OptionError(
        "continuation",
        "serviceBindingContinuation with a service binding",
        "no such binding in env",
      );
    }
    if (token === undefined) {
      throw new OptionError("token", "set, since the service binding calls POST /drain with it", "none");
    }
    return {
      name: "service-binding",
      maxHops,
      maxHopsHint: " Each hop is one call deeper, and Workers allow 16.",
      invoke: async (next) => {
        const answer = await service.fetch("https://spillway/drain", {
          method: "POST",
          headers: {
            Authorization: `Bearer ${token}`,
            "Content-Type": "application/json",
            [hopHeader]: "service-binding",
          },
          body: JSON.stringify(writeHop(next)),
          redirect: "manual",
          signal: next.signal,
        });
        await answer.text();
        if (answer.status === 202) return null;
        const text = `The service binding must answer with 202, and answered with ${answer.status}. Is it this Worker?`;
        throw new ContinuationError("continuation-failed", text);
      },
    };
  };
}

/** Takes the hops that `serviceBindingContinuation` sends: the Worker's own bearer token is the proof. */
export function serviceBindingReceiver(token: string): ReceiveHop {
  return async (request) => {
    if (!request.headers.has(hopHeader)) return null;
    if (!(await isBearer(request.headers.get("authorization"), token))) {
      throw new ContinuationError(
        "hop-unproven",
        "A hop by service binding needs this Worker's bearer token.",
      );
    }
    const body = await readBytes(request.body, bodyBytesMax);
    const hop = body && readHopText(body);
    if (hop) return hop;
    throw new ContinuationError("hop-malformed", "The body must be { list, chainId, hop }.");
  };
}
