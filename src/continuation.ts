import type { StopReason } from "./report.ts";

/** Where a drain stands in its chain. */
export interface ChainPosition {
  /** The same for all drains that invoke each other. */
  readonly id: string;
  /** 0 for the drain that a tick or a call started. */
  readonly hop: number;
}

/** How a drain invokes the next one. An adapter; the core knows no more of it. */
export interface Continuation {
  /** What the report calls it. */
  readonly name: string;
  /**
   * Invokes the next drain once, and resolves when that is certain to be under way. A throw ends the chain: the next
   * tick starts another. Being invoked twice is harmless: leases see to it.
   */
  invoke(next: { readonly list: string; readonly chain: ChainPosition }): Promise<void>;
}

/**
 * Whether a drain invokes the next one: only where time, and not work, ran out, and only after progress. A drain that
 * achieved nothing never invokes itself, or a list of failing messages would keep a chain running at full cost.
 */
export function shouldContinue(
  stopped: StopReason,
  progressCount: number,
  remaining: number | null,
): boolean {
  return stopped === "budget" && progressCount > 0 && remaining !== 0;
}
