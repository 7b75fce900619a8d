import { type Continuation, type NextDrain, OptionError } from "../../../src/index.ts";
import type { Invocation } from "./options.ts";
import type { ObjectNamespace } from "./types.ts";

/** What the Durable Object of a list is asked. */
export type ChainAsk =
  /** A tick: begin, unless a drain of this object runs or is about to. */
  | { readonly ask: "begin" }
  /** Go on at once, or in `inMs` ms. */
  | { readonly ask: "hop"; readonly chain: NextDrain["chain"]; readonly inMs: number };

/** A continuation that can begin a chain elsewhere than in the invocation that asks. */
export interface AlarmChain extends Continuation {
  begin(list: string, timeoutMs: number): Promise<void>;
}

/**
 * Goes on in the Durable Object of the list, one alarm a hop: each is an invocation of its own, so a chain has no depth
 * limit, and the platform fires an alarm again whose invocation died. The same alarm is the timer for the next delayed
 * message. `pick` names the binding of the class that `worker()` returns as `DrainChain`; default: `DRAIN_CHAIN`.
 * Throws `OptionError` where the binding is missing.
 */
export function alarmChain<Env>(
  pick: (env: Env) => ObjectNamespace | undefined = (env) =>
    (env as { DRAIN_CHAIN?: ObjectNamespace }).DRAIN_CHAIN,
): (env: Env, invocation: Invocation) => AlarmChain {
  return (env) => {
    const objects = pick(env);
    if (typeof objects?.idFromName !== "function") {
      throw new OptionError(
        "continuation",
        "alarmChain with a Durable Object binding (DRAIN_CHAIN, of the class DrainChain), or another continuation",
        "no such binding in env",
      );
    }
    return {
      name: "alarm",
      begin: (list, timeoutMs) => askObject(objects, list, { ask: "begin" }, timeoutMs),
      invoke: async ({ list, chain, timeoutMs }) => {
        await askObject(objects, list, { ask: "hop", chain, inMs: 0 }, timeoutMs);
        return null;
      },
      invokeLater: async ({ list, chain, inMs, timeoutMs }) => {
        await askObject(objects, list, { ask: "hop", chain, inMs }, timeoutMs);
        return null;
      },
    };
  };
}

export function isAlarmChain(continuation: Continuation | null): continuation is AlarmChain {
  return typeof (continuation as Partial<AlarmChain> | null)?.begin === "function";
}

async function askObject(
  objects: ObjectNamespace,
  list: string,
  ask: ChainAsk,
  timeoutMs: number,
): Promise<void> {
  const answer = await objects.get(objects.idFromName(list)).fetch("https://drain-chain/", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(ask),
    signal: AbortSignal.timeout(timeoutMs),
  });
  await answer.text();
  if (answer.status !== 204) throw new Error(`The Durable Object of the list answered ${answer.status}.`);
}
