import { limits } from "./limits.ts";
import type { StopReason } from "./report.ts";

/** Where a drain stands in its chain. */
export interface ChainPosition {
  /** The same for all drains that invoke each other. */
  readonly id: string;
  /** 0 for the drain that a tick or a call started. */
  readonly hop: number;
}

/** The drain that a continuation is to invoke. */
export interface NextDrain {
  readonly list: string;
  readonly chain: ChainPosition;
  /** How long invoking it may take, repetitions included, ms: after that the platform may end this process. */
  readonly timeoutMs: number;
}

/** A continuation's reason not to invoke, such as a chain near a platform's wall. Not a failure: the next tick goes on. */
export interface Declined {
  readonly declined: string;
}

/** How a drain invokes the next one. An adapter; the core knows no more of it. */
export interface Continuation {
  /** What the report calls it. */
  readonly name: string;
  /**
   * Invokes the next drain once. Resolves with null when that is certain to be under way, or with why it declines. A
   * throw ends the chain: the next tick starts another. Being invoked twice is harmless: leases see to it.
   */
  invoke(next: NextDrain): Promise<Declined | null>;
  /**
   * Where the platform has timers: sees to it that a drain runs in `inMs` ms, when the next delayed message is due, or the
   * lease ends of what the drain left running. It may run sooner. Called when a drain ends that leaves nothing to take
   * before then; it starts a chain of its own.
   */
  invokeLater?(next: NextDrain & { readonly inMs: number }): Promise<Declined | null>;
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
 * was told by the brake to wait, sets one; each message it wakes up for has used up an attempt or a pause to get there,
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
  if (stopped === "empty" || stopped === "braked" || isAllTaken) return inMs;
  if (stopped !== "budget") return null;
  if (leftUntil !== null) return Math.max(0, leftUntil - redisNow);
  return progressCount === 0 && retriedCount > 0 ? Math.max(limits.failedWaitMs, inMs) : null;
}
