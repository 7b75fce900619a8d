import type { ChainPosition } from "../chain/hop.ts";

/** What a drain knows of its list when it decides whether others are to help. */
export interface Outlook {
  /** Messages in the list. */
  readonly remaining: number;
  /** Live drains of the list, this one among them, as the leases show. */
  readonly live: number;
  /** How many of those come before this one, in an order in which all of them see each other. */
  readonly rank: number;
  readonly maxConcurrency: number;
  /** What a message takes up of one drain's time, ms. */
  readonly msPerMessage: number;
  /** How soon the list is to be empty, ms. */
  readonly withinMs: number;
}

/** How many drains empty the list within its time: at least 1, and no more than may live. */
export function drainsWanted({ remaining, msPerMessage, withinMs, maxConcurrency }: Outlook): number {
  return Math.max(1, Math.min(maxConcurrency, Math.ceil((remaining * msPerMessage) / withinMs)));
}

/** What one drain starts in a wave, at most. Reason: 64 chains of one in three waves. */
const helpersMax = 4;

/** This drain's share of a wave: from 0 to 4. Each live one has the same, and those that come first have one more. */
export function helpersWanted(outlook: Outlook): number {
  const { live, rank } = outlook;
  const wave = Math.max(0, Math.min(drainsWanted(outlook) - live, helpersMax * live) || 0);
  return Math.floor(wave / live) + (rank < wave % live ? 1 : 0);
}

/**
 * What a chain that was just started starts as it begins: from 0 to 4, its own branches in a tree of those that are wanted. It
 * cannot share with others as `helpersWanted` does, for those that begin beside it do not see each other yet.
 */
export function branchesWanted(outlook: Outlook, slot: number): number {
  const wanted = drainsWanted(outlook);
  const before = helpersMax * slot + 1;
  return Math.max(0, Math.min(helpersMax, wanted - before, wanted - outlook.live) || 0);
}

/**
 * Whether this drain's chain ends although messages remain, since those before it are twice as many as are wanted. Fewer
 * than are wanted start others, so what ends here is not started again at once.
 */
export function isSurplus(outlook: Outlook): boolean {
  return outlook.rank >= 2 * drainsWanted(outlook);
}

/**
 * The numbers of the chains that a chain starts, of `count` that there may be: 4n + 1 to 4n + 4, around the end, so that
 * from any chain each other one is reached in as few waves as it takes, and no two chains of one wave start the same.
 * Where it has asked some before, those after them: some may live already, and in the end it has asked all.
 */
export function slotsToStart(slot: number, howMany: number, askedBefore: number, count: number): number[] {
  const slots: number[] = [];
  for (let next = helpersMax * slot + 1 + askedBefore; slots.length < howMany && count > 1; next++) {
    if (next % count !== slot) slots.push(next % count);
  }
  return slots;
}

const helperForm = /^(.*?)(?:\.[\w-]*)?~(\d{1,4})(?:\.(\d{1,10}))?$/s;

/** The id of a new chain that helps another: it tells the first chain of all, the new one's number, and its first hop. */
export function helperId({ id, hop }: ChainPosition, randomId: string, slot: number): string {
  const origin = helperForm.exec(id)?.[1] ?? id;
  return `${origin.slice(0, 140)}.${randomId.slice(0, 40)}~${slot}.${hop + 1}`;
}

/** The number in a chain's id; 0 for a chain that a tick or a call began. */
export function slotOf(chainId: string): number {
  return Number(helperForm.exec(chainId)?.[2] ?? 0);
}

/** Whether this is the first drain of a chain that another started. */
export function isBeginning({ id, hop }: ChainPosition): boolean {
  return helperForm.exec(id)?.[3] === String(hop);
}
