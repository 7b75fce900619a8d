/**
 * The one script of the scripted engine: settle a batch, look around, claim the next batch. Every verb of the broker
 * is this script with some parts left out, so that each is atomic, each can be repeated, and a whole turn is one request.
 *
 * KEYS
 *   1  list       list   what producers push
 *   2  leases     zset   batch id → expiry, ms on Redis' own clock
 *   3  attempts   hash   SHA-1 of a payload → attempts that ended without an ack
 *   4  delayed    zset   `<unique id>:<payload>` → due time, ms on Redis' own clock
 *   Working lists of expired leases cannot be known beforehand: their names are built from ARGV 1. All share one slot.
 *
 * ARGV
 *   1  workingPrefix    `{list}:working:`; followed by a batch id it names that batch's working list
 *   2  settleId         batch to settle, or empty
 *   3  settleExpiresAt  where an earlier sending of this request may have run: ms, when that batch's lease ends, as its
 *                       claim said; else 0
 *   4  outcomes         one letter a message, in the order claimed, for every message the working list holds:
 *                       a ack · c ack, and forget its attempts · f failed · r release · k keep (still running)
 *   5  claimId          batch to claim, or empty; `<holder>.<n>`
 *   6  holder           the drain that asks; its leases share one slot of maxConcurrency
 *   7  holdsId          batch that must still be leased for a claim without a settle to be served, or empty
 *   8  leaseMs          ms the new lease runs
 *   9  countMax         messages to claim at most
 *  10  bytesMax         bytes to claim at most; one message is always claimed, however large
 *  11  maxConcurrency   live drains of this list at most
 *  12  inspect          1: look at the other leases, the delayed set and the attempts; 0: skip them (a quiet, lone
 *                       drain). Without a settle, or with one that is not all acks, the script looks anyway
 *  13  recoverMax       no other expired lease is recovered after this many messages; the claim is then not served
 *  14  promoteMax       due delayed messages to promote at most
 *  15  countRemaining   1: tell how many messages the list holds at the end
 *
 * Returns
 *   1  settled      0 nothing asked · 1 settled now · 2 the lease was lost · 3 settled by an earlier sending of this request
 *   2  claimed      0 nothing asked, or not served: lease lost or more to recover · 1 served (perhaps with no message) · 2 busy · 3 failed, see 12
 *   3  messages     payloads in the order claimed
 *   4  attempts     earlier attempts of each of them; empty where none has any
 *   5  now          ms, Redis' own clock
 *   6  expiresAt    ms: end of the claimed batch's lease
 *   7  recovered    messages returned from expired leases
 *   8  nextDueAt    ms: when the next delayed message is due, -1 none or not looked at
 *   9  remaining    messages in the list, -1 not known
 *  10  horizon      messages in the list older than the first one that failed in this request, -1 none failed
 *  11  isQuiet      1: looked around and found no other lease, nothing delayed, no attempts
 *  12  problem      text of the error that stopped the claim, empty if none
 *  13  calls        Redis commands this script ran, itself not counted
 *
 * Cost
 *   A quiet turn of wholly acknowledged messages: TIME ZREM DEL ZADD RPOP LPUSH, six commands whatever the batch size.
 *   Looking around: ZRANGE EXISTS more.
 *
 * Invariant
 *   A message is in exactly one place at the end of every run. Pushes come before removals, and what can be refused
 *   (a full server, a key of the wrong type) is tried first, because an error in a script rolls nothing back.
 */
export const turnScript = `
local list, leases, attempts, delayed = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local prefix, settleId, settleExpiresAt, outcomes = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local claimId, holder, holdsId, leaseMs = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
local countMax, bytesMax, maxConcurrency = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local inspect, recoverMax, promoteMax = ARGV[12] == '1', tonumber(ARGV[13]), tonumber(ARGV[14])
local countRemaining = ARGV[15] == '1'
if settleId == '' then inspect = true end

local calls = 0
local function call(...)
  calls = calls + 1
  return redis.call(...)
end

-- Lua's stack bounds how many arguments one call may take.
local CHUNK = 4000
local function variadic(command, key, values)
  local reply
  for first = 1, #values, CHUNK do
    reply = call(command, key, unpack(values, first, math.min(first + CHUNK - 1, #values)))
  end
  return reply
end

local function reversed(values)
  local result = {}
  for index = #values, 1, -1 do result[#result + 1] = values[index] end
  return result
end

local function readAttempts(messages)
  local digests, counts = {}, {}
  for index, message in ipairs(messages) do digests[index] = redis.sha1hex(message) end
  for first = 1, #digests, CHUNK do
    for _, count in ipairs(call('HMGET', attempts, unpack(digests, first, math.min(first + CHUNK - 1, #digests)))) do
      counts[#counts + 1] = tonumber(count or 0)
    end
  end
  return digests, counts
end

local function countAttempt(messages)
  local digests, counts = readAttempts(messages)
  local total, fields = {}, {}
  for index, digest in ipairs(digests) do total[digest] = (total[digest] or counts[index]) + 1 end
  for digest, count in pairs(total) do
    fields[#fields + 1] = digest
    fields[#fields + 1] = count
  end
  variadic('HSET', attempts, fields)
end

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local settled, claimed, messages, earlier, expiresAt = 0, 0, {}, {}, 0
local recovered, nextDueAt, remaining, horizon, isQuiet, problem = 0, -1, -1, -1, 0, ''
local isRepeat, again, listLength = false, false, -1

-- Sends the messages of a batch their ways. Only a batch that has as many messages as outcomes is touched: a repeated
-- request finds fewer, because each settle removes at least one.
local function settlePartly(working)
  local batch = reversed(call('LRANGE', working, 0, -1))
  if #batch ~= #outcomes then
    isRepeat = true
    return
  end
  local failed, released, kept, finished = {}, {}, {}, {}
  for index, message in ipairs(batch) do
    local outcome = outcomes:sub(index, index)
    if outcome == 'f' then failed[#failed + 1] = message
    elseif outcome == 'r' then released[#released + 1] = message
    elseif outcome == 'k' then kept[#kept + 1] = message
    elseif outcome == 'c' then finished[#finished + 1] = redis.sha1hex(message) end
  end
  if #failed > 0 then listLength = variadic('LPUSH', list, failed) end
  if #released > 0 then listLength = variadic('RPUSH', list, reversed(released)) end
  if #failed > 0 then
    countAttempt(failed)
    horizon = listLength - #failed
  end
  if #finished > 0 then variadic('HDEL', attempts, finished) end
  if #kept > 0 then
    variadic('RPUSH', working, reversed(kept))
    call('LTRIM', working, #batch, -1)
  else
    call('ZREM', leases, settleId)
    call('DEL', working)
  end
end

if settleId ~= '' then
  local working = prefix .. settleId
  local isHeld
  if outcomes:find('[^a]') then
    isHeld = call('ZSCORE', leases, settleId)
    if isHeld then settlePartly(working) end
    inspect = true
  else
    isHeld = call('ZREM', leases, settleId) == 1
    if isHeld then call('DEL', working) end
  end
  if not isHeld then
    -- A batch claimed under this request's id, or a lease gone before its end, which no one may recover: either shows
    -- that an earlier sending of this request has run.
    again = claimId ~= '' and call('ZSCORE', leases, claimId)
    isRepeat = again or now < settleExpiresAt
  end
  settled = isRepeat and 3 or isHeld and 1 or 2
end

-- Messages of expired leases go back to the right end in their old order: the newest batch first, so that the oldest
-- ends outermost. Returns whether all are back; until then nothing may be claimed, or order would be lost.
local function recover(expired)
  for index = #expired, 1, -1 do
    if recovered >= recoverMax then return false end
    local id = expired[index]
    local batch = call('LRANGE', prefix .. id, 0, -1)
    if #batch > 0 then
      variadic('RPUSH', list, batch)
      countAttempt(batch)
      call('DEL', prefix .. id)
    end
    call('ZREM', leases, id)
    recovered = recovered + #batch
  end
  return true
end

local function promote()
  local due = call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, promoteMax)
  if #due > 0 then
    local payloads = {}
    for index, member in ipairs(due) do payloads[index] = member:sub(member:find(':', 1, true) + 1) end
    variadic('LPUSH', list, payloads)
    variadic('ZREM', delayed, due)
  end
  local first = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  if first[2] then nextDueAt = tonumber(first[2]) end
end

local function claim(hasState)
  local count = countMax
  if horizon >= 0 and horizon < count then count = horizon end
  claimed = 1
  if count <= 0 then
    remaining = listLength
    return
  end
  -- The lease comes first: a full server refuses it here, before any message has moved.
  expiresAt = now + leaseMs
  call('ZADD', leases, expiresAt, claimId)
  local popped = redis.pcall('RPOP', list, count)
  calls = calls + 1
  if not popped or popped.err then
    call('ZREM', leases, claimId)
    if popped and popped.err then error(popped.err, 0) end
    remaining = 0
    return
  end
  if #popped < count then remaining = 0 end
  local bytes, surplus = 0, {}
  for index, message in ipairs(popped) do
    bytes = bytes + #message
    if index == 1 or (bytes <= bytesMax and #surplus == 0) then
      messages[index] = message
    else
      surplus[#surplus + 1] = message
    end
  end
  if #surplus > 0 then remaining = variadic('RPUSH', list, reversed(surplus)) end
  variadic('LPUSH', prefix .. claimId, messages)
  if hasState then
    local _, counts = readAttempts(messages)
    earlier = counts
  end
end

local function claimAgain(score)
  claimed, expiresAt = 1, tonumber(score)
  messages = reversed(call('LRANGE', prefix .. claimId, 0, -1))
  local _, counts = readAttempts(messages)
  earlier = counts
end

local function lookAroundAndClaim()
  local isHolding, others, othersCount, expired, hasState = settled == 1, {}, 0, {}, false
  if settled ~= 2 and not again and inspect then
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
      elseif not others[owner] then
        others[owner], othersCount = true, othersCount + 1
      end
    end
  end
  if again then return claimAgain(again) end
  if isRepeat and claimId ~= '' then claimed = 1 end
  if isRepeat or settled == 2 then return end

  if inspect then
    if #expired > 0 and not recover(expired) then return end
    hasState = call('EXISTS', attempts, delayed) > 0
    if hasState then promote() end
    if othersCount == 0 and #expired == 0 and not hasState then isQuiet = 1 end
  end
  if claimId == '' or (holdsId ~= '' and not isHolding) then return end
  if not isHolding and othersCount >= maxConcurrency then
    claimed = 2
    return
  end
  claim(hasState)
  -- With no message anywhere, attempts can only be remains of equal payloads.
  if hasState and #messages == 0 and remaining == 0 and nextDueAt < 0 and call('EXISTS', leases) == 0 then
    call('DEL', attempts)
  end
end

local isDone, failure = pcall(function()
  lookAroundAndClaim()
  if countRemaining then remaining = call('LLEN', list) end
end)
if not isDone then
  claimed, messages, earlier = 3, {}, {}
  problem = type(failure) == 'table' and failure.err or tostring(failure)
end
return { settled, claimed, messages, earlier, now, expiresAt, recovered, nextDueAt, remaining, horizon, isQuiet, problem, calls }
`.trim();

/** The same script, for a server at `maxmemory` (Redis 7 and newer know the flag): what it moves needs no memory. */
export const turnScriptWhenFull = `#!lua flags=allow-oom\n${turnScript}`;
