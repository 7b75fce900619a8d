/** The brake, the circuit breaker of a list: failures in a row stop its drains for a growing pause. */
export const brakeLua =
  `
local isBrakeSettled = false

local function pauseAfter(pauses)
  return math.min(brakePauseMsMax, brakePauseMs * 2 ^ math.min(pauses, 40))
end
` +
  // Once it has held for its longest, it is worn: failures count as ever, until a success takes it away. One that began later
  // than now, or ends later than any may, was set before the clock stepped back, or by another: it holds nothing.
  `
local function readBrake()
  local found = try('HMGET', brake, 'since', 'until', 'pauses', 'probe', 'settled', 'as') or {}
  local since, endsAt = tonumber(found[1] or nil), tonumber(found[2] or 0) or 0
  if since and since > now or endsAt > now + leaseMsMax then since, endsAt = nil, 0 end
  local mayHold = since and (now < endsAt or now - since < brakeMsMax)
  return { isOn = mayHold, isWorn = since and not mayHold, endsAt = endsAt,
    pauses = tonumber(found[3] or 0) or 0, probe = found[4], settled = found[5], settledAs = found[6] }
end
` +
  // Decides what the failures of a batch mean, before anything is written. Returns the codes to carry out, in which a
  // failure or an overload may have become `held` and an overload `overloadCounted`, and a function that writes the
  // brake's new state and, for whoever asks again, what became of the batch. Failures before the last success of the batch are the messages' own. A probe's failure counts,
  // or a list of nothing but failing messages would never end.
  `
local function considerBrake(batch, known)
  local lastAck = 0
  for index = 1, #outcomes do
    if outcomes:sub(index, index):find(sets.successes) then lastAck = index end
  end
  local isOverloaded = outcomes:find(codes.overloaded, 1, true)
  if brakeAfter == 0 or not (isOverloaded or outcomes:find(sets.failures, lastAck + 1)) then
    local counted = outcomes:gsub(codes.overloaded, codes.overloadCounted)
    return counted
  end
  isBrakeSettled = true
  local state = readBrake()
  local isWorn, isProbe = state.isWorn, lastAck == 0 and state.probe == settleId
  if lastAck > 0 then state = { pauses = 0 } end

  local failing, untilMs = {}, 0
  for index = 1, #outcomes do
    local code = outcomes:sub(index, index)
    if code == codes.overloaded then untilMs = math.max(untilMs, tonumber(details[index]:match('^%d+'))) end
    if index > lastAck and code:find(sets.troubles) then failing[#failing + 1] = redis.sha1hex(batch[index]) end
  end
  local fields, isNew = {}, false
  if not state.isOn and not isWorn then
    local inARow, count = {}, 0
    if lastAck == 0 then
      for _, digest in ipairs(try('HKEYS', brake) or {}) do inARow[digest], count = true, count + 1 end
    end
    for _, digest in ipairs(failing) do
      if not inARow[digest] and count < brakeAfter then
        inARow[digest], count = true, count + 1
        fields[#fields + 1] = digest
        fields[#fields + 1] = 1
      end
    end
    if count >= brakeAfter or isOverloaded then
      state.isOn, isNew, fields = true, true, { 'since', string.format('%.0f', now) }
    end
  end
  if state.isOn and (isNew or isProbe) then
    local endsAt = math.max(untilMs, now + pauseAfter(state.pauses))
    for _, value in ipairs({ 'until', string.format('%.0f', endsAt), 'pauses', state.pauses + 1 }) do
      fields[#fields + 1] = value
    end
  end

  local decided = {}
  for index = 1, #outcomes do
    local code, _, _, held = outcomes:sub(index, index), readHistory(known[index] or '')
    local mayHold = not isWorn and held < heldMax
    if code == codes.overloaded then
      code = mayHold and codes.held or codes.overloadCounted
    elseif code:find(sets.failures) and index > lastAck and state.isOn and not isProbe and mayHold then
      code = codes.held
    end
    decided[index] = code
  end
  return table.concat(decided), function(carriedOut)
    if lastAck > 0 or isNew then try('DEL', brake) end
    if carriedOut ~= outcomes and (state.isOn or isWorn and lastAck == 0) then
      for _, value in ipairs({ 'settled', settleId, 'as', carriedOut }) do fields[#fields + 1] = value end
    end
    if #fields > 0 then try('HSET', brake, unpack(fields)) end
  end
end
`;
