/**
 * Returns messages of ended leases to the right end in their old order: the newest batch first, so that the oldest messages are
 * claimed first. A message that was in too many crashes becomes a dead letter, and one with a done-marker is done.
 */
export const recoverLua =
  `
local recoveredBytes = 0

local function recoverBatch(id, working, done)
  local batch = reversed(call('LRANGE', working, 0, -1))
  if #batch == 0 then return end
  local found, finished, finishedHere = call('HGET', attempts, id), {}, 0
  local known = split(found or '')
  for _, digest in ipairs(call('HVALS', done)) do finished[digest] = (finished[digest] or 0) + 1 end
  local back, backHistories, deadEntries = {}, {}, {}
  for index, message in ipairs(batch) do
    recoveredBytes = recoveredBytes + #message
    local digest = redis.sha1hex(message)
    local history = addTo(known[index] or '', 1, 1, 0)
    if (finished[digest] or 0) > 0 then
      finished[digest] = finished[digest] - 1
      finishedHere = finishedHere + 1
    elseif readHistory(history) >= maxAttempts then
      deadEntries[#deadEntries + 1] = deadLetter(id, index, history, '"reason":"crashed"}', message)
    else
      back[#back + 1] = message
      backHistories[#backHistories + 1] = history
    end
  end
  push('RPUSH', list, reversed(back))
  push('LPUSH', dead, deadEntries)
  noteWaiting(back, backHistories, true)
  remove(working, done)
  if found then try('HDEL', attempts, id) end
  recovered = recovered + #back
  finishedCount = finishedCount + finishedHere
  for _, entry in ipairs(deadEntries) do deadLetters[#deadLetters + 1] = entry end
end
` +
  // Returns whether all are back; until then nothing may be claimed, or the order would be lost. Only batches whose keys the
  // request names can be recovered. The ids of the others are returned, so that the next request names them.
  `
local function recover(ended)
  for position, lease in ipairs(ended) do
    local keys = recoverKeys[lease.id]
    if not keys or recovered + #deadLetters >= recoverMax or recoveredBytes >= BYTES then
      for index = position, math.min(#ended, position + recoverLeasesMax - 1) do
        expiredIds[#expiredIds + 1] = ended[index].id
      end
      return false
    end
    if not step(function() recoverBatch(lease.id, keys[1], keys[2]) end) then
      claimed = FAILED
      return false
    end
    try('ZREM', leases, lease.id)
  end
  return true
end
`;
