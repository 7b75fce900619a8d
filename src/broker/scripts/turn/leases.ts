/**
 * Looks at the leases. Returns whether this drain holds its slot and which leases have ended, the newest first, and notes
 * how many other drains are live, when the first of their leases ends, whether the batch to claim has its lease already,
 * and whether the claim is a late repeat: the first claim of a drain must come before any other lease of it.
 *
 * The messages of a drain go back together, once all its leases have ended: the leases of one run end one after the other, and
 * messages that went back first would be overtaken. A lease that ends later than any drain could have asked for counts as ended,
 * since Redis' clock has stepped back.
 */
export const leasesLua =
  `
local othersCount, othersBefore, othersUntil, isStale, hasLooked = 0, 0, math.huge, false, false

local function ownerOf(id)
  local owner, number = id:match('^(.*)%.(%d+)$')
  return owner or id, tonumber(number) or 0
end
` +
  // Newest first. Batches of one drain are ordered by their numbers, those of different drains by when their leases end.
  `
local function byAge(ended)
  table.sort(ended, function(one, other)
    if one.owner ~= other.owner then return one.owner < other.owner end
    if one.number ~= other.number then return one.number < other.number end
    return one.id < other.id
  end)
  for index, lease in ipairs(ended) do
    local before = ended[index - 1]
    if before and before.owner == lease.owner then lease.score = math.max(lease.score, before.score) end
    lease.place = index
  end
  table.sort(ended, function(one, other)
    if one.score ~= other.score then return one.score > other.score end
    return one.place > other.place
  end)
  return ended
end

local function readLeases()
  local isHolding, others, live, ended = settled == SETTLED, {}, {}, {}
  if again or not inspect then return isHolding, ended end
  hasLooked = true
  local pageMax = recoverLeasesMax + 3 * maxConcurrency
  local entries = call('ZRANGE', leases, -1 - pageMax, -1, 'WITHSCORES')
  for index = 1, #entries, 2 do
    local id, score = entries[index], tonumber(entries[index + 1])
    local owner, number = ownerOf(id)
    if id == claimId then
      again = score
    elseif score <= now or score > now + leaseMsMax then
      ended[#ended + 1] = { id = id, score = score, owner = owner, number = number }
    else
      live[owner] = true
      if owner ~= holder then
        othersUntil = math.min(othersUntil, score)
        if not others[owner] then
          others[owner], othersCount = true, othersCount + 1
          if owner < holder then othersBefore = othersBefore + 1 end
        end
      elseif id == holdsId then
        isHolding = true
      elseif holdsId == '' and settleId == '' then
        isStale = true
      end
    end
  end
  if not again and claimId ~= '' and #entries > 2 * pageMax then again = call('ZSCORE', leases, claimId) end
  local free = {}
  for _, lease in ipairs(ended) do
    if not live[lease.owner] then free[#free + 1] = lease end
  end
  return isHolding, byAge(free)
end
`;
