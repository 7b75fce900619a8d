import type { ChainPosition } from "../chain/hop.ts";

/** What a drain knows when it decides whether to start others. */
export interface Outlook {
  /** Messages in the list. */
  readonly remaining: number;
  /** Live drains of the list, with this one, as the leases show. */
  readonly live: number;
  /** How many of those come before this one, in an order that is the same for all of them. */
  readonly rank: number;
  readonly maxConcurrency: number;
  /** How much of one drain's time a message takes, ms. */
  readonly msPerMessage: number;
  /** The list is to be empty within this time, ms. */
  readonly withinMs: number;
}

/** How many drains can empty the list within its time: at least 1, and at most `maxConcurrency`. */
export function drainsWanted({ remaining, msPerMessage, withinMs, maxConcurrency }: Outlook): number {
  return Math.max(1, Math.min(maxConcurrency, Math.ceil((remaining * msPerMessage) / withinMs)));
}

/** How many drains one drain starts in a wave at most. Reason: one becomes 64 in three waves. */
const helpersMax = 4;

/** How many drains this one starts in a wave: from 0 to 4. All live ones start as many, and the first of them one more. */
export function helpersWanted(outlook: Outlook): number {
  const { live, rank } = outlook;
  const wave = Math.max(0, Math.min(drainsWanted(outlook) - live, helpersMax * live) || 0);
  return Math.floor(wave / live) + (rank < wave % live ? 1 : 0);
}

/**
 * How many chains a chain starts that was just started itself: from 0 to 4, its branches in a tree of all that are wanted. It
 * cannot share them with others as `helpersWanted` does, since chains that begin together do not see each other yet.
 */
export function branchesWanted(outlook: Outlook, slot: number): number {
  const wanted = drainsWanted(outlook);
  const before = helpersMax * slot + 1;
  return Math.max(0, Math.min(helpersMax, wanted - before, wanted - outlook.live) || 0);
}

/**
 * Whether this drain's chain ends although messages remain, because twice as many as are wanted come before it. Others are
 * started only where there are fewer than wanted, so a chain that ends here is not started again at once.
 */
export function isSurplus(outlook: Outlook): boolean {
  return outlook.rank >= 2 * drainsWanted(outlook);
}

/**
 * The numbers of the chains that chain n starts, of `count` that there may be: 4n + 1 to 4n + 4, modulo `count`. So any chain
 * reaches each other one in the fewest waves, and no two chains of one wave start the same. Where it has asked some before, it
 * takes those after them: some may live already, and in the end it has asked all.
 */
export function slotsToStart(slot: number, howMany: number, askedBefore: number, count: number): number[] {
  const slots: number[] = [];
  for (let next = helpersMax * slot + 1 + askedBefore; slots.length < howMany && count > 1; next++) {
    if (next % count !== slot) slots.push(next % count);
  }
  return slots;
}

const helperForm = /^(.*?)(?:\.[\w-]*)?~(\d{1,4})(?:\.(\d{1,10}))?$/s;

/** The id of a new chain that helps another: it holds the id of the first chain, the new one's number, and its first hop. */
export function helperId({ id, hop }: ChainPosition, randomId: string, slot: number): string {
  const origin = helperForm.exec(id)?.[1] ?? id;
  return `${origin.slice(0, 140)}.${randomId.slice(0, 40)}~${slot}.${hop + 1}`;
}

/** The number in a chain's id; 0 for a chain that a tick or a call started. */
export function slotOf(chainId: string): number {
  return Number(helperForm.exec(chainId)?.[2] ?? 0);
}

/** Whether this is the first drain of a chain that another started. */
export function isBeginning({ id, hop }: ChainPosition): boolean {
  return helperForm.exec(id)?.[3] === String(hop);
}
