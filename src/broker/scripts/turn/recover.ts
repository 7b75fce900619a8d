/**
 * Messages of expired leases go back to the right end in their old order: the newest batch first, so that the oldest
 * ends outermost. What crashed too often is a dead letter, and what has its done-marker is done. Returns whether all
 * are back; until then nothing may be claimed, or order would be lost.
 */
export const recoverLua = `
local function recover(expired)
  for position = #expired, 1, -1 do
    if recovered >= recoverMax then return false end
    local id = expired[position]
    local working, done = base .. 'working:' .. id, base .. 'done:' .. id
    local batch = reversed(call('LRANGE', working, 0, -1))
    if #batch > 0 then
      local known, finished = split(call('HGET', attempts, id) or ''), {}
      for _, digest in ipairs(call('HVALS', done)) do finished[digest] = (finished[digest] or 0) + 1 end
      local back, backHistories, deadEntries = {}, {}, {}
      for index, message in ipairs(batch) do
        local digest = redis.sha1hex(message)
        local history = addTo(known[index] or '', 1, 1, 0)
        if (finished[digest] or 0) > 0 then
          finished[digest] = finished[digest] - 1
        elseif readHistory(history) >= maxAttempts then
          deadEntries[#deadEntries + 1] = deadLetter(id, index, history, '"reason":"crashed"}', message)
        else
          back[#back + 1] = message
          backHistories[#backHistories + 1] = history
        end
      end
      if #deadEntries > 0 then call('LLEN', dead) end
      if #back > 0 then variadic('RPUSH', list, reversed(back)) end
      if #deadEntries > 0 then pushDeadLetters(deadEntries) end
      noteWaiting(back, backHistories, true)
      call('DEL', working, done)
      call('HDEL', attempts, id)
      recovered = recovered + #back
      for _, entry in ipairs(deadEntries) do deadLetters[#deadLetters + 1] = entry end
    end
    call('ZREM', leases, id)
  end
  return true
end
`;
