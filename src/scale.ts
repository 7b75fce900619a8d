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
const helpersMax = 3;

/** How many drains the live ones start together now, so that a wave makes four of one: no more than wanted. */
export function waveOf(outlook: Outlook): number {
  return Math.max(0, Math.min(drainsWanted(outlook) - outlook.live, helpersMax * outlook.live) || 0);
}

/** This drain's share of a wave: from 0 to 3. Each has the same, and those that come first have one more. */
export function helpersWanted(outlook: Outlook): number {
  const { live, rank } = outlook;
  const wave = waveOf(outlook);
  return Math.floor(wave / live) + (rank < wave % live ? 1 : 0);
}

/**
 * Whether this drain's chain ends although messages remain, since those before it are twice as many as are wanted. Fewer
 * than are wanted start others, so what ends here is not started again at once.
 */
export function isSurplus(outlook: Outlook): boolean {
  return outlook.rank >= 2 * drainsWanted(outlook);
}

/**
 * The numbers of the chains that a chain starts, of `count` that there may be: 3n + 1 to 3n + 3, around the end, so that
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

const helperForm = /^(.*?)(?:\.[\w-]*)?~\d{1,4}$/s;

/** The id of a new chain that helps another: it tells the first chain of all, and the new one's number. */
export function helperId(chainId: string, randomId: string, slot: number): string {
  const origin = helperForm.exec(chainId)?.[1] ?? chainId;
  return `${origin.slice(0, 150)}.${randomId.slice(0, 40)}~${slot}`;
}

/** The number in a chain's id; 0 for a chain that a tick or a call began. */
export function slotOf(chainId: string): number {
  return Number(/~(\d{1,4})$/.exec(chainId)?.[1] ?? 0);
}
