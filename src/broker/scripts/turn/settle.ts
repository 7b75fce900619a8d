/** Settles a batch: sends each message the way its outcome says, in one step. */
export const settleLua =
  `
local isRepeat, again = false, false
` +
  // Where not all are acknowledged. Only a batch that has as many messages as outcomes is touched: a repeated request
  // finds fewer, because each settle removes at least one.
  `
local function settlePartly(working)
  local batch = reversed(call('LRANGE', working, 0, -1))
  if outcomes == codes.releaseAll then outcomes = string.rep(codes.release, #batch) end
  if #batch ~= #outcomes then
    isRepeat = true
    return
  end
  local found = call('HGET', attempts, settleId)
  local known = split(found or '')
  local decided, writeBrake = considerBrake(batch, known)
  local retries, deadEntries, released, releasedHistories, kept, keptHistories = {}, {}, {}, {}, {}, {}
  local hasHistory = false
  for index, message in ipairs(batch) do
    local code, given, history = decided:sub(index, index), details[index], known[index] or ''
    if code == codes.overloadCounted then code, given = given:match('^%d+ (%a) (.*)$') end
    if code == codes.failed or code == codes.waits then
      retries[#retries + 1] = now + tonumber(given)
      retries[#retries + 1] = delayedMember(index, addTo(history, 1, 0, 0), message)
    elseif code == codes.exhausted or code == codes.rejected then
      deadEntries[#deadEntries + 1] = deadLetter(settleId, index, addTo(history, 1, 0, 0), given, message)
    elseif code == codes.release or code == codes.held then
      released[#released + 1] = message
      releasedHistories[#releasedHistories + 1] = code == codes.held and addTo(history, 0, 0, 1) or history
    elseif code == codes.keep then
      kept[#kept + 1] = message
      keptHistories[#keptHistories + 1] = history
      hasHistory = hasHistory or history ~= ''
    end
  end
  if #deadEntries > 0 then call('LLEN', dead) end
  if #retries > 0 then call('ZCARD', delayed) end
  if #released > 0 then variadic('RPUSH', list, reversed(released)) end
  if #retries > 0 then variadic('ZADD', delayed, retries) end
  if #deadEntries > 0 then pushDeadLetters(deadEntries) end
  noteWaiting(released, releasedHistories, true)
  if #kept > 0 then
    variadic('RPUSH', working, reversed(kept))
    call('LTRIM', working, #batch, -1)
    if hasHistory then call('HSET', attempts, settleId, table.concat(keptHistories, ',')) end
    call('DEL', base .. 'done:' .. settleId)
  else
    call('ZREM', leases, settleId)
    call('DEL', working, base .. 'done:' .. settleId)
  end
  if found and not hasHistory then call('HDEL', attempts, settleId) end
  if writeBrake then writeBrake() end
  settledAs = decided
end
` +
  // Where the lease is gone: a batch claimed under this request's id, or a lease gone before its end, which no one may
  // recover, shows that an earlier sending of this request has run.
  `
local function settle()
  local working = base .. 'working:' .. settleId
  local isHeld
  if outcomes ~= codes.ack:rep(#outcomes) then
    isHeld = call('ZSCORE', leases, settleId)
    if isHeld then settlePartly(working) end
    inspect = true
  else
    isHeld = call('ZREM', leases, settleId) == 1
    if isHeld then call('DEL', working) end
  end
  if not isHeld then
    again = claimId ~= '' and call('ZSCORE', leases, claimId)
    isRepeat = again or now < settleExpiresAt
  end
  settled = isRepeat and SETTLED_EARLIER or isHeld and SETTLED or LOST
end
`;
