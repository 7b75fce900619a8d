import {
  type ChainPosition,
  type Continuation,
  ContinuationError,
  type HopFields,
  type NextDrain,
  OptionError,
  readHop,
  writeHop,
} from "../../../src/index.ts";
import { checkOptions, func, slotOf } from "../../../src/internals.ts";
import type { Invocation } from "./options.ts";
import type { ObjectNamespace } from "./types.ts";

/** What a Durable Object of a list is asked to do. */
type ChainAsk =
  /** A tick, or a drain that wants help: begin, unless a drain of this object runs or is about to. */
  | { readonly ask: "begin"; readonly hop?: HopFields }
  /** Go on at once, or in `inMs` ms. */
  | { readonly ask: "hop"; readonly hop: HopFields; readonly inMs: number };

/** A continuation that can begin a chain elsewhere than in the invocation that asks. */
export interface AlarmContinuation extends Continuation {
  begin(list: string, signal: AbortSignal): Promise<void>;
}

/** The longest timer, ms. For a later time, a drain looks in between. Reason: an alarm's time must be a valid date. */
export const inMsMax = 31_536_000_000;

/**
 * Goes on in the Durable Object of the chain (`<list>`, and `<list>#<n>` for chains that others started), by one alarm for each
 * hop. Each alarm is an invocation of its own, so a chain may have any length, and the platform repeats an alarm whose invocation
 * died. The same alarm is the timer for the next delayed message. Asking the object twice does no harm, so it is asked again where
 * it could not be reached. `pick` returns the binding of the class that `cloudflareHandler()` returns as `DrainChain`; default:
 * `DRAIN_CHAIN`. Throws `OptionError` where the binding is missing, and for a `pick` that is no function.
 */
export function alarmContinuation<Env>(
  pick: (env: Env) => ObjectNamespace | undefined = (env) =>
    (env as { DRAIN_CHAIN?: ObjectNamespace }).DRAIN_CHAIN,
): (env: Env, invocation: Invocation) => AlarmContinuation {
  checkOptions({ pick: func() }, { pick });
  return (env) => {
    const objects = pick(env);
    if (typeof objects?.idFromName !== "function") {
      throw new OptionError(
        "continuation",
        "alarmContinuation with a Durable Object binding (DRAIN_CHAIN, of the class DrainChain), or another continuation",
        "no such binding in env",
      );
    }
    // Each chain of a list has an object of its own, by its number.
    const send = async ({ list, chain, signal }: NextDrain, ask: ChainAsk): Promise<null> => {
      const slot = slotOf(chain.id);
      return askObject(objects, slot === 0 ? list : `${list}#${slot}`, ask, signal);
    };
    return {
      name: "alarm",
      begin: async (list, signal) => void (await askObject(objects, list, { ask: "begin" }, signal)),
      invoke: (next) => send(next, { ask: "hop", hop: writeHop(next), inMs: 0 }),
      invokeLater: (next) =>
        send(next, { ask: "hop", hop: writeHop(next), inMs: Math.min(next.inMs, inMsMax) }),
      invokeBeside: (next) => send(next, { ask: "begin", hop: writeHop(next) }),
    };
  };
}

export function isAlarmContinuation(continuation: Continuation | null): continuation is AlarmContinuation {
  return typeof (continuation as Partial<AlarmContinuation> | null)?.begin === "function";
}

/** Reads a request to a Durable Object; null for anything else. */
export function readAsk(
  given: unknown,
): { ask: "begin"; chain: ChainPosition | null } | { ask: "hop"; chain: ChainPosition; inMs: number } | null {
  if (typeof given !== "object" || given === null) return null;
  const { ask, hop, inMs } = given as Record<string, unknown>;
  const read = readHop(hop);
  if (ask === "begin" && (read || hop === undefined)) return { ask, chain: read?.chain ?? null };
  if (ask !== "hop" || !read || typeof inMs !== "number" || !(inMs >= 0 && inMs <= inMsMax)) return null;
  return { ask, chain: read.chain, inMs };
}

async function askObject(
  objects: ObjectNamespace,
  name: string,
  ask: ChainAsk,
  signal: AbortSignal,
): Promise<null> {
  let status: number;
  try {
    const answer = await objects.get(objects.idFromName(name)).fetch("https://drain-chain/", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(ask),
      signal,
    });
    await answer.text();
    ({ status } = answer);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const text = `The Durable Object of the list could not be reached: ${why}`;
    throw new ContinuationError("continuation-refused", text, { cause: error });
  }
  if (status === 204) return null;
  throw new ContinuationError(
    "continuation-failed",
    `The Durable Object of the list answered with ${status}.`,
  );
}
