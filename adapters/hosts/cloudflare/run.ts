import {
  type Continuation,
  type Declined,
  type DrainReport,
  type NextDrain,
  OptionError,
  type RunOptions,
} from "../../../src/index.ts";
import { isThenable, makeRunner, type Runner, show } from "../../../src/internals.ts";
import { checkDrain } from "../../http/given-drain.ts";
import { newChain } from "../../http/hops.ts";
import { tellReport } from "../../http/report.ts";
import { alarmContinuation, isAlarmContinuation } from "./alarm-continuation.ts";
import type { CloudflareSettings, Trigger } from "./options.ts";

/** A drain for one invocation: made from its env, within the limits of what began it. */
export interface InvokedDrain {
  readonly drain: Runner;
  readonly continuation: Continuation | null;
}

/** Makes the drain of one invocation. `own` is the continuation to use in place of the configured one. */
export function openDrain<Env>(
  settings: CloudflareSettings<Env>,
  env: Env,
  trigger: Trigger,
  given: {
    readonly own?: Continuation;
    /** Subrequests that this invocation has made already. Default: 0. */
    readonly requestsSpent?: number;
  } = {},
): InvokedDrain {
  const continuation = given.own ?? makeContinuation(settings, env, trigger);
  const more = continuation ? { continuation } : {};
  const options: unknown = settings.drain(env);
  // Showing it sees to it that a rejection harms nothing.
  if (isThenable(options))
    throw new OptionError("drain", "a function that returns options and not a promise", show(options));
  const drain: Runner =
    typeof options === "function"
      ? checkDrain(options(more))
      : makeRunner({ ...(options as object), ...more });
  const run = async (wanted: RunOptions = {}): Promise<DrainReport> => {
    const chain = wanted.chain ?? newChain();
    const report = await drain.run({
      ...wanted,
      budgetMs: Math.min(wanted.budgetMs ?? Number.POSITIVE_INFINITY, settings.budgetMs[trigger]),
      maxRequests: settings.requestsMax - (given.requestsSpent ?? 0),
      requestsPerMessage: settings.requestsPerMessage,
      chain,
    });
    tellReport(() => settings.onReport(report, { trigger, list: drain.list, chain }));
    return report;
  };
  return { drain: { ...drain, run }, continuation };
}

/** Has another Durable Object of the list begin, for a drain that runs in one. */
export async function invokeBeside<Env>(
  settings: CloudflareSettings<Env>,
  env: Env,
  next: NextDrain,
): Promise<Declined | null> {
  const continuation = makeContinuation(settings, env, "alarm");
  return (await continuation?.invokeBeside?.(next)) ?? null;
}

const beginTimeoutMs = 10_000;

/**
 * With `alarmContinuation`, has the list's Durable Object begin a drain. So there is no request to Redis where it drains already, and
 * all drains have an alarm's CPU time. Returns false where there is no such object, or it cannot be reached.
 */
export async function beginElsewhere({ drain, continuation }: InvokedDrain): Promise<boolean> {
  if (!isAlarmContinuation(continuation)) return false;
  try {
    await continuation.begin(drain.list, AbortSignal.timeout(beginTimeoutMs));
    return true;
  } catch (error) {
    console.error(
      "Spillway: the Durable Object could not be reached, so this invocation drains itself.",
      error,
    );
    return false;
  }
}

function makeContinuation<Env>(
  settings: CloudflareSettings<Env>,
  env: Env,
  trigger: Trigger,
): Continuation | null {
  const { continuation = alarmContinuation() } = settings;
  if (typeof continuation !== "function") return continuation;
  return continuation(env, { trigger, token: settings.token(env) });
}
