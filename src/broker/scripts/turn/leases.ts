/**
 * Looks at the other leases. Returns whether this drain holds its slot and which leases have expired, and notes how many
 * other drains are live, when the first of their leases ends, and whether the batch to claim has its lease already.
 */
export const leasesLua = `
local othersCount, othersUntil = 0, math.huge

local function readLeases()
  local isHolding, others, expired = settled == SETTLED, {}, {}
  if settled ~= LOST and not again and inspect then
    local entries = call('ZRANGE', leases, 0, -1, 'WITHSCORES')
    for index = 1, #entries, 2 do
      local id, score = entries[index], tonumber(entries[index + 1])
      local owner = id:match('^(.*)%.') or id
      if id == claimId then
        again = score
      elseif score <= now then
        expired[#expired + 1] = id
      elseif owner == holder then
        if holdsId == '' or id == holdsId then isHolding = true end
      else
        othersUntil = math.min(othersUntil, score)
        if not others[owner] then others[owner], othersCount = true, othersCount + 1 end
      end
    end
  end
  return isHolding, expired
end
`;
