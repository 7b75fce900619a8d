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
local othersCount, othersBefore, othersUntil, isStale = -1, 0, math.huge, false

local function ownerOf(id)
  local owner, number = id:match('^(.*)%.(%d+)$')
  return owner or id, tonumber(number) or 0
end
` +
  // Newest first: by the numbers of their claims. Where some have none, because they were claimed by a drain that is to be alone or
  // are adopted, batches of one drain are ordered by their numbers, and those of different drains by when their leases end.
  `
local function byAge(ended)
  local isNumbered = true
  for _, lease in ipairs(ended) do isNumbered = isNumbered and lease.age end
  if isNumbered then
    table.sort(ended, function(one, other) return one.age > other.age end)
    return ended
  end
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

` +
  // The number of a claim stands behind the point of the lease's score, in steps of 1/2048, and the numbers go round. The newest is
  // the one that is ahead of all others, since there are never more than a thousand leases at once.
  `
local function readLeases()
  local first, newest
  local isHolding, others, live, ended = settled == SETTLED, {}, {}, {}
  if again or not inspect then return isHolding, ended end
  othersCount = 0
  local pageMax = recoverLeasesMax + 3 * maxConcurrency
  local entries = call('ZRANGE', leases, -1 - pageMax, -1, 'WITHSCORES')
  for index = 1, #entries, 2 do
    local id, score = entries[index], tonumber(entries[index + 1])
    local owner, number = ownerOf(id)
    local claimNumber, age = math.floor(score % 1 * 2048 + 0.5)
    score = math.floor(score)
    if claimNumber > 0 then
      first = first or claimNumber
      age = (claimNumber - first + 1023) % 2047 - 1023
      newest = math.max(newest or 0, age)
    end
    if id == claimId then
      again = score
    elseif score <= now or score > now + leaseMsMax then
      ended[#ended + 1] = { id = id, score = score, owner = owner, number = number, age = age }
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
  if maxConcurrency > 1 then sequence = newest and (first + newest) % 2047 + 1 or 1 end
  local free = {}
  for _, lease in ipairs(ended) do
    if not live[lease.owner] then free[#free + 1] = lease end
  end
  return isHolding, byAge(free)
end
`;
