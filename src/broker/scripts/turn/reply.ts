/** The variables that the parts fill in and the last one returns. `turn-reply.ts` reads them. */
export const replyLua = `
local NOTHING, SETTLED, LOST, SETTLED_EARLIER = 0, 1, 2, 3
local NOT_SERVED, SERVED, BUSY, FAILED, BRAKED, PAUSED, LIMITED = 0, 1, 2, 3, 4, 5, 6
local settled, claimed, messages, histories, expiresAt = NOTHING, NOT_SERVED, {}, {}, 0
local recovered, nextDueAt, remaining, settledAs, quiet, deadLetters = 0, -1, -1, '', 0, {}
local finishedCount, expiredIds, largest = 0, {}, 0
`;

/** The end of the script; `more` are fields of `turnFull`, each after a comma. */
export const makeReturnLua = (more: string): string => `
return { settled, claimed, messages, histories, now, expiresAt, recovered, nextDueAt, remaining, settledAs, quiet,
  problem, calls, deadLetters, busyUntil, finishedCount, expiredIds, largest, othersCount,
  othersBefore${more} }
`;

export const returnLua: string = makeReturnLua("");
