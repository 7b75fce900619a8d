import { type Clock, sleep } from "../clock.ts";
import { ContinuationError } from "../errors.ts";
import { asError, describe } from "../handling/guest.ts";
import * as limits from "../limits.ts";
import type { DrainReport, StopReason } from "../run/report.ts";
import type { ChainPosition, Hop } from "./hop.ts";

/** The drain that a continuation is to invoke. */
export interface NextDrain extends Hop {
  /** Unique for each hop, and the same when this hop is sent again, so that a service can drop duplicates by it. */
  readonly sendId: string;
  /** Aborted when the time for this sending is over. An answer after that is ignored. */
  readonly signal: AbortSignal;
}

/** A continuation's reason not to invoke, such as a chain near a platform's limit. This is no failure: the next tick goes on. */
export interface Declined {
  readonly declined: string;
}

/**
 * How a drain invokes the next one. It is an adapter that sends a hop once and says what became of it. The drain does the rest:
 * it bounds the chain and the time, waits, and sends again.
 */
export interface Continuation {
  /** Its name in reports. */
  readonly name: string;
  /** Longest chain, in hops. Beyond it the drain declines, and the next tick begins another chain. Default: no limit. */
  readonly maxHops?: number;
  /** Added to the report where the drain declines because of `maxHops`, such as how to allow more. Default: nothing. */
  readonly maxHopsHint?: string;
  /**
   * Invokes the next drain once. Resolves with null when the invocation is certain, or with why it declines. Throws
   * `ContinuationError`, whose code says what the failure means: only `continuation-refused` is sent again. Any other throw
   * counts as `continuation-unknown`. A failure ends the chain, and the next tick starts another. Leases make it harmless when
   * a drain is invoked twice.
   */
  invoke(next: NextDrain): Promise<Declined | null>;
  /**
   * For platforms with timers: has a drain run in `inMs` ms, when the next delayed message is due or when the lease of handlers
   * that were left running ends. It may run sooner. Called when a drain ends and there is nothing to do before then, however
   * long its chain is. Resolves and throws as `invoke` does.
   */
  invokeLater?(next: NextDrain & { readonly inMs: number }): Promise<Declined | null>;
  /**
   * For platforms on which it differs from `invoke`: begins a chain beside the one that runs. The number at the end of its id,
   * after `~`, is below the list's `maxConcurrency`. Resolves and throws as `invoke` does. Default: `invoke`.
   */
  invokeBeside?(next: NextDrain): Promise<Declined | null>;
}

/** How a drain has ended, as far as its chain is concerned. */
export interface Ending {
  readonly stopped: StopReason;
  /** Messages acknowledged or dead-lettered. */
  readonly progressCount: number;
  /** Messages that are to be retried, each with one attempt more. */
  readonly retriedCount: number;
  readonly remaining: number | null;
  readonly nextDueAt: number | null;
  /** When the lease of handlers that were left running ends, epoch ms on Redis' clock; null where none was. */
  readonly leftUntil: number | null;
  readonly redisNow: number | null;
}

/**
 * Whether a drain invokes the next one: only where its time ran out before the work did, and only after progress. A drain
 * without progress never does, or a list of failing messages would keep a chain running at full cost.
 */
export function shouldContinue({ stopped, progressCount, remaining }: Ending): boolean {
  return stopped === "budget" && progressCount > 0 && remaining !== 0;
}

/**
 * In how many ms a timer should start a drain, or null for no timer. A drain sets a timer where it left nothing to do at once,
 * also where its budget or limit ended with its last message, or where the brake or a limit made it wait. Each message that a
 * timer waits for has used up an attempt or a pause, so this ends too. A drain that met only failing messages until its budget
 * ended may not go on at once, but later, since it has used up attempts. So may one that left handlers running, because its slot
 * is taken until their lease ends.
 */
export function wakeAfterMs(ending: Ending): number | null {
  const { stopped, progressCount, retriedCount, remaining, nextDueAt, leftUntil, redisNow } = ending;
  const next = Math.min(nextDueAt ?? Number.POSITIVE_INFINITY, leftUntil ?? Number.POSITIVE_INFINITY);
  if (next === Number.POSITIVE_INFINITY || redisNow === null) return null;
  const inMs = Math.max(0, next - redisNow);
  const isAllTaken = (stopped === "budget" || stopped === "limit") && remaining === 0;
  if (["empty", "braked", "rate-limited", "held"].includes(stopped) || isAllTaken) return inMs;
  if (stopped !== "budget") return null;
  if (leftUntil !== null) return Math.max(0, leftUntil - redisNow);
  return progressCount === 0 && retriedCount > 0 ? Math.max(limits.failedWaitMs, inMs) : null;
}

/** What is needed to go on: the drain's place in its chain, its clock, and when it must have ended. */
export interface Onward {
  readonly list: string;
  /** The place of the drain that ends, with its own pace. */
  readonly chain: ChainPosition;
  readonly maxConcurrency: number;
  /** When the budget ends, on the clock. */
  readonly endAt: number;
  readonly clock: Clock;
  /** From 0 to 1, not 1. */
  readonly random: () => number;
  readonly randomId: () => string;
}

/**
 * Has the continuation invoke the next drain, at once or by its timer, if there is reason to. Resolves with whether it did, or
 * with why it declined. Throws `ContinuationError` where it failed, which ends the chain.
 */
export async function goOn(
  continuation: Continuation,
  ending: Ending,
  onward: Onward,
): Promise<"continued" | "ended" | Declined> {
  const { maxHops = limits.hopMax, maxHopsHint = "" } = continuation;
  const inMs = wakeAfterMs(ending);
  const hasTimer = continuation.invokeLater !== undefined;
  // The next drain would find no free slot while handlers of this one still run.
  const mustWait = ending.leftUntil !== null && onward.maxConcurrency === 1 && hasTimer;
  const isNow = shouldContinue(ending) && !mustWait;
  if (!isNow && (inMs === null || !hasTimer)) return "ended";
  const hop = onward.chain.hop + 1;
  // Written like this, a limit that is not a number allows no hop.
  if (isNow && !(hop <= maxHops)) {
    return { declined: `The chain has reached ${maxHops} hops. The next tick goes on.${maxHopsHint}` };
  }
  const next = {
    list: onward.list,
    chain: { ...onward.chain, hop: Math.min(hop, limits.hopMax) },
    sendId: onward.randomId(),
  };
  const send = async (signal: AbortSignal): Promise<unknown> =>
    isNow || inMs === null
      ? continuation.invoke({ ...next, signal })
      : continuation.invokeLater?.({ ...next, signal, inMs });
  return sendUntilTaken(continuation.name, send, onward);
}

/** Goes on where there is a continuation, and returns what the report says about it. Never rejects: the next tick goes on. */
export async function goOnAndTell(
  continuation: Continuation | undefined,
  ending: Ending,
  onward: Onward,
): Promise<Partial<Pick<DrainReport, "continuedWith" | "declined" | "error">>> {
  if (!continuation) return {};
  try {
    const said = await goOn(continuation, ending, onward);
    if (said === "continued") return { continuedWith: continuation.name };
    return said === "ended" ? {} : { declined: said.declined };
  } catch (error) {
    return { error: asError(error) };
  }
}

/**
 * Has the continuation invoke a drain between two ticks, as the first hop of a new chain. Throws `ContinuationError` as `goOn`
 * does.
 */
export async function invokeFirst(
  continuation: Continuation,
  onward: Omit<Onward, "chain" | "maxConcurrency">,
): Promise<"continued" | Declined> {
  const { list, randomId } = onward;
  const next = { list, chain: { id: randomId(), hop: 1 }, sendId: randomId() };
  return sendUntilTaken(continuation.name, (signal) => continuation.invoke({ ...next, signal }), onward);
}

/** Has the continuation begin a chain beside the one that runs. Throws `ContinuationError` as `goOn` does. */
export async function startChain(
  continuation: Continuation,
  hop: Hop,
  onward: Omit<Onward, "list" | "chain" | "maxConcurrency">,
): Promise<"continued" | Declined> {
  const next = { ...hop, sendId: onward.randomId() };
  const send = (signal: AbortSignal): Promise<unknown> =>
    continuation.invokeBeside?.({ ...next, signal }) ?? continuation.invoke({ ...next, signal });
  return sendUntilTaken(continuation.name, send, onward);
}

/** Sends a hop, again where it was refused for now, until it is taken or declined or the time is over. */
async function sendUntilTaken(
  name: string,
  send: (signal: AbortSignal) => Promise<unknown>,
  { clock, random, endAt }: Pick<Onward, "clock" | "random" | "endAt">,
): Promise<"continued" | Declined> {
  const giveUpAt = Math.max(endAt, clock.now() + limits.continueMsMin);
  for (let waitMs: number = limits.resendWaitMs; ; waitMs *= 2) {
    try {
      const said = await within(Math.max(limits.invokeMsMin, giveUpAt - clock.now()), clock, send);
      if (said === null) return "continued";
      const { declined } = (said ?? {}) as Partial<Declined>;
      if (typeof declined === "string") return { declined };
      throw new ContinuationError(
        "continuation-unknown",
        "Its function resolved with neither null nor { declined }.",
      );
    } catch (error) {
      const pauseMs = waitMs * (0.5 + random() / 2);
      const mayRepeat = error instanceof ContinuationError && error.code === "continuation-refused";
      if (!mayRepeat || clock.now() + pauseMs + limits.invokeMsMin > giveUpAt) throw failureOf(name, error);
      await sleep(clock, pauseMs);
    }
  }
}

/** Aborts work that takes longer, and waits for it no more, since it may ignore its signal. */
async function within<Value>(
  ms: number,
  clock: Clock,
  send: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const controller = new AbortController();
  let cancel: () => void = () => undefined;
  const late = new Promise<never>((_resolve, reject) => {
    cancel = clock.after(ms, () => {
      const text = `There was no answer within ${Math.round(ms)} ms.`;
      const error = new ContinuationError("continuation-unknown", text);
      reject(error);
      controller.abort(error);
    });
  });
  try {
    return await Promise.race([send(controller.signal), late]);
  } finally {
    cancel();
  }
}

function failureOf(name: string, error: unknown): ContinuationError {
  const code = error instanceof ContinuationError ? error.code : "continuation-unknown";
  const why = describe(error).message;
  return new ContinuationError(code, `The continuation "${name}" has failed: ${why}`, { cause: error });
}
