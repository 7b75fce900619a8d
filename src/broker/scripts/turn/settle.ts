/** What `turnFull` does beside the rest; empty for the lean script. */
interface More {
  /** Done with a batch that is held and whole, before anything else is written. */
  readonly first: string;
  /** Functions of its own. */
  readonly functions: string;
  /** Other ways to settle: `elseif <condition> then isHeld = <how>`. */
  readonly ways: string;
  /** Done when a batch of which not all are acknowledged has been settled. */
  readonly last: string;
  /** Done where an earlier sending of the request has settled it. */
  readonly again: string;
}

/** Settles a batch: sends each message the way its outcome says, in one step. */
export const makeSettleLua = (more: More): string =>
  `
local isRepeat, again, hasDeadLetters = false, false, false
` +
  // Takes some messages of a batch where they go. What is refused stays in the working list, and its code becomes `keep`.
  `
local function send(decided, indexes, command, key, values, undoOf)
  local width, most = #values / #indexes, CHUNK / 2
  for first = 1, #indexes, most do
    local last = math.min(first + most - 1, #indexes)
    local chunk = { unpack(values, (first - 1) * width + 1, last * width) }
    if try(command, key, unpack(chunk)) then
      undo(undoOf(last - first + 1, chunk))
    else
      for at = first, last do decided[indexes[at]] = codes.keep end
    end
  end
end
` +
  // Where not all are acknowledged. Only a batch that has as many messages as outcomes is touched: a repeated request
  // finds fewer, because each settle removes at least one. What has been handled must be settled even where LRANGE is refused.
  `
local function settlePartly()
  local batch = try('LRANGE', settleWorking, 0, -1)
  if not batch then
    batch = {}
    repeat
      local message = call('LINDEX', settleWorking, #batch)
      batch[#batch + 1] = message or nil
    until not message
  end
  batch = reversed(batch)
  if outcomes == codes.releaseAll then outcomes = string.rep(codes.release, #batch) end
  if #batch ~= #outcomes then
    isRepeat = true
    return
  end
  ${more.first}local found = try('HGET', attempts, settleId)
  local known = split(found or '')
  local considered, writeBrake = considerBrake(batch, known)
  local decided = {}
  local retries, retried, deadEntries, died, back, backAt = {}, {}, {}, {}, {}, {}
  for index, message in ipairs(batch) do
    local code, given, history = considered:sub(index, index), details[index], known[index] or ''
    decided[index] = code
    if code == codes.overloadCounted then code, given = given:match('^%d+ (%a) (.*)$') end
    if code == codes.failed or code == codes.waits then
      retries[#retries + 1] = now + tonumber(given)
      retries[#retries + 1] = delayedMember(index, addTo(history, 1, 0, 0), message)
      retried[#retried + 1] = index
    elseif code == codes.exhausted or code == codes.rejected then
      deadEntries[#deadEntries + 1] = deadLetter(settleId, index, addTo(history, 1, 0, 0), given, message)
      died[#died + 1] = index
    end
  end
  for index = #batch, 1, -1 do
    if decided[index] == codes.release or decided[index] == codes.held then
      back[#back + 1] = batch[index]
      backAt[#backAt + 1] = index
    end
  end
  send(decided, backAt, 'RPUSH', list, back, function(count) return 'LTRIM', list, 0, -1 - count end)
  send(decided, retried, 'ZADD', delayed, retries, function(_, chunk)
    local members = {}
    for index = 2, #chunk, 2 do members[#members + 1] = chunk[index] end
    return 'ZREM', delayed, unpack(members)
  end)
  send(decided, died, 'LPUSH', dead, deadEntries, function(count) return 'LTRIM', dead, count, -1 end)

  local kept, keptHistories, released, releasedHistories, gone, hasHistory = {}, {}, {}, {}, {}, false
  for index, message in ipairs(batch) do
    local code, history = decided[index], known[index] or ''
    if code == codes.keep then
      kept[#kept + 1] = message
      keptHistories[#keptHistories + 1] = history
      hasHistory = hasHistory or history ~= ''
    else
      gone[#gone + 1] = index - 1
      if code == codes.release or code == codes.held then
        released[#released + 1] = message
        releasedHistories[#releasedHistories + 1] = code == codes.held and addTo(history, 0, 0, 1) or history
      end
    end
  end
  if #kept == 0 then
    remove(settleWorking, settleDone)
    try('ZREM', leases, settleId)
  elseif #gone > 0 then
    variadic('LPUSH', settleWorking, kept)
    undo('LTRIM', settleWorking, #kept, -1)
    if not (try('LTRIM', settleWorking, 0, #kept - 1) or try('RPOP', settleWorking, #batch)) then
      error({ refusal = problem }, 0)
    end
    pcall(variadic, 'HDEL', settleDone, gone)
    if hasHistory then try('HSET', attempts, settleId, table.concat(keptHistories, ',')) end
  end
  local isNoted, refusal = pcall(noteWaiting, released, releasedHistories, true)
  if not isNoted then note(refusal.refusal) end
  if found and not hasHistory then try('HDEL', attempts, settleId) end
  hasDeadLetters = #deadEntries > 0
  settledAs = table.concat(decided)
  if writeBrake then writeBrake(settledAs) end
${more.last}end
` +
  // A working list is there for exactly as long as its batch is neither settled nor recovered: where the lease cannot be
  // asked, that is the fence.
  `
local function settleWholly()
  local removed = try('ZREM', leases, settleId)
  if removed == 0 then return false end
  if not removed then return try('DEL', settleWorking) == 1 end
  undo('ZADD', leases, string.format('%.0f', settleExpiresAt), settleId)
  remove(settleWorking)
  return true
end
${more.functions}` +
  // Where the lease is gone: a batch claimed under this request's id, or a lease gone before its end, which no one may
  // recover, shows that an earlier sending of this request has run.
  `
local function settle()
  local isHeld = false
  local isDone = step(function()
    if isAckedOnly then
      isHeld = settleWholly()
    ${more.ways}else
      takeTime()
      isHeld = try('ZSCORE', leases, settleId)
      if isHeld == nil then isHeld = call('EXISTS', settleWorking) == 1 end
      if isHeld then settlePartly() end
      inspect = true
    end
  end)
  if not isDone then return end
  if isRepeat or not isHeld then
    takeTime()
    again = claimId ~= '' and call('ZSCORE', leases, claimId)
    isRepeat = isRepeat or again or mayHaveRun == 1 and now < settleExpiresAt
${more.again}  end
  settled = isRepeat and SETTLED_EARLIER or isHeld and SETTLED or LOST
end
`;

export const settleLua: string = makeSettleLua({
  first: "",
  functions: "",
  ways: "",
  last: "",
  again: "",
});
