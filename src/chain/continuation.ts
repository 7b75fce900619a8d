import { type Clock, sleep } from "../clock.ts";
import { ContinuationError } from "../errors.ts";
import { asError, describe } from "../handling/guest.ts";
import * as limits from "../limits.ts";
import type { DrainReport, StopReason } from "../run/report.ts";
import type { ChainPosition, Hop } from "./hop.ts";

/** The drain that a continuation is to invoke. */
export interface NextDrain extends Hop {
  /** The same when this hop is sent again, and never that of another: a service that drops doubles may know it by this. */
  readonly sendId: string;
  /** Aborted when the time for this sending is over; no answer counts after that. */
  readonly signal: AbortSignal;
}

/** A continuation's reason not to invoke, such as a chain near a platform's wall. Not a failure: the next tick goes on. */
export interface Declined {
  readonly declined: string;
}

/**
 * How a drain invokes the next one. An adapter, which sends a hop once and says what became of it; the drain looks after
 * the rest: the length of the chain, the time that is left, waiting, and sending again.
 */
export interface Continuation {
  /** What the report calls it. */
  readonly name: string;
  /** Longest chain, in hops: past it the drain declines, and the next tick begins another. Default: no limit. */
  readonly maxHops?: number;
  /** What the report adds where it declines for `maxHops`, such as how to allow more. Default: nothing. */
  readonly maxHopsHint?: string;
  /**
   * Invokes the next drain once. Resolves with null when that is certain to be under way, or with why it declines. Throws
   * `ContinuationError` to say what a failure means: sent again is only what is `continuation-refused`. Any other throw
   * counts as `continuation-unknown`. A failure ends the chain, and the next tick starts another. Being invoked twice is
   * harmless: leases see to it.
   */
  invoke(next: NextDrain): Promise<Declined | null>;
  /**
   * Where the platform has timers: sees to it that a drain runs in `inMs` ms, when the next delayed message is due, or the
   * lease ends of what the drain left running. It may run sooner. Called when a drain ends that leaves nothing to take
   * before then, however long its chain is. Resolves and throws as `invoke` does.
   */
  invokeLater?(next: NextDrain & { readonly inMs: number }): Promise<Declined | null>;
  /**
   * Where it matters to the platform: begins a chain beside the one that runs. The number at the end of its id, after `~`,
   * is below the list's `maxConcurrency`. Resolves and throws as `invoke` does. Default: `invoke`.
   */
  invokeBeside?(next: NextDrain): Promise<Declined | null>;
}

/** What a drain has come to, as far as its chain is concerned. */
export interface Ending {
  readonly stopped: StopReason;
  /** Messages acknowledged or dead-lettered. */
  readonly progressCount: number;
  /** Messages that failed or asked to wait, each with an attempt used up. */
  readonly retriedCount: number;
  readonly remaining: number | null;
  readonly nextDueAt: number | null;
  /** When the lease of what still ran when this drain left ends, ms on Redis' clock; null where nothing did. */
  readonly leftUntil: number | null;
  readonly redisNow: number | null;
}

/**
 * Whether a drain invokes the next one: only where time, and not work, ran out, and only after progress. A drain that
 * achieved nothing never invokes itself, or a list of failing messages would keep a chain running at full cost.
 */
export function shouldContinue({ stopped, progressCount, remaining }: Ending): boolean {
  return stopped === "budget" && progressCount > 0 && remaining !== 0;
}

/**
 * In how many ms a timer should start a drain, or null for no timer. Only a drain that left nothing to take at once, or
 * was told by the brake or a limit to wait, sets one; each message it wakes up for has used up an attempt or a pause to get there,
 * so this ends too. A drain whose budget or limit ended with its last message has left nothing either. One whose budget
 * ended when nothing but failing messages had come may not go on at once, but later: it has used up attempts. So may
 * one that left handlers running: until their lease ends its slot is taken.
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

/** What a drain goes on with: its place, its clock, and when it must have ended. */
export interface Onward {
  readonly list: string;
  /** Of the drain that ends; with its own pace. */
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
 * Has the continuation invoke the next drain, at once or by its timer, where there is reason to. Resolves with whether it
 * did, or with why it declined. Throws `ContinuationError` where it could not, and then the chain ends.
 */
export async function goOn(
  continuation: Continuation,
  ending: Ending,
  onward: Onward,
): Promise<"continued" | "ended" | Declined> {
  const { maxHops = limits.hopMax, maxHopsHint = "" } = continuation;
  const inMs = wakeAfterMs(ending);
  const hasTimer = continuation.invokeLater !== undefined;
  // The next drain would find no slot while something of this one still runs.
  const mustWait = ending.leftUntil !== null && onward.maxConcurrency === 1 && hasTimer;
  const isNow = shouldContinue(ending) && !mustWait;
  if (!isNow && (inMs === null || !hasTimer)) return "ended";
  const hop = onward.chain.hop + 1;
  // So written, a limit that is no number lets none through.
  if (isNow && !(hop <= maxHops)) {
    return { declined: `The chain has reached ${maxHops} hops; the next tick goes on.${maxHopsHint}` };
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

/** Goes on where there is a continuation, and says what a report is to say of it. Never rejects: the next tick goes on. */
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
 * Has the continuation invoke a drain where no tick does: whoever asks for it stands at hop 0. Throws `ContinuationError` as
 * `goOn` does.
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

/** Sends, and sends again what was refused for now, until it is taken or declined or the time is over. */
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
      throw new ContinuationError("continuation-unknown", "It answered with neither null nor { declined }.");
    } catch (error) {
      const pauseMs = waitMs * (0.5 + random() / 2);
      const mayRepeat = error instanceof ContinuationError && error.code === "continuation-refused";
      if (!mayRepeat || clock.now() + pauseMs + limits.invokeMsMin > giveUpAt) throw failureOf(name, error);
      await sleep(clock, pauseMs);
    }
  }
}

/** Aborts what takes longer, and waits for it no more: it may not heed its signal. */
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
