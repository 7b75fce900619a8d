/**
 * What an order adds at the end of KEYS and of ARGV, so that the rest is read as in the lean script, and what it adds to the reply.
 */
export const orderRequestLua = `
local rates, held, lines, due, parked =
  table.remove(KEYS), table.remove(KEYS), table.remove(KEYS), table.remove(KEYS), table.remove(KEYS)
local mode, parkedMax, freshCount, freshPrint, freshKeys, settleKeys =
  (table.remove(ARGV) or ''):match('^([fskc]),(%d+),(%d+),(%x*),([%x-]*),([%x-]*)$')
parkedMax, freshCount = tonumber(parkedMax), tonumber(freshCount)
if not mode or #freshKeys ~= 16 * freshCount or #settleKeys % 16 ~= 0 then
  return { err = 'SPILLWAY cannot read argument ' .. #ARGV + 1 }
end
local HELD, isLoose = 7, mode == 'c'
if isLoose then mode = 'k' end
local hasWaiting, claimedKeys, payloads, places, peeked, prints, movedCount = false, '', nil, {}, {}, {}, 0
`;
