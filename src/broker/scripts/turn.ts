/**
 * The one script of the scripted engine: settle a batch, look around, claim the next batch. Every verb of the broker
 * is this script with some parts left out, so that each is atomic, each can be repeated, and a whole turn is one request.
 *
 * KEYS
 *   1  list       list   what producers push
 *   2  leases     zset   batch id → expiry, ms on Redis' own clock
 *   3  attempts   hash   SHA-1 of a payload → records of its copies in the list; batch id → records of its messages
 *   4  delayed    zset   `<unique id>:<payload>` → due time, ms on Redis' own clock
 *   5  dead       list   dead letters, the newest leftmost: a line of JSON, then the payload
 *   6  brake      hash   since, until, pauses, probe while it is on; before that, SHA-1 → 1 of messages failing in a row
 *   7  busy       string there while maxConcurrency drains are live, for as long as all their leases run; only where marksBusy
 *   Working lists of expired leases cannot be known beforehand: their names are built from ARGV 1. All share one slot.
 *
 *   A record says how one message has fared: `<attempts>.<crashes>.<times the brake held it back>@<first failure,
 *   ms>`; several are joined by commas, and an empty one stands for a message that never failed. A retry carries its
 *   record in its unique id, after `!`; the id begins so that equal due times keep their order.
 *
 * ARGV
 *   1  base             `{list}:`; `working:<batch id>` and `done:<batch id>` follow it
 *   2  settleId         batch to settle, or empty
 *   3  settleExpiresAt  where an earlier sending of this request may have run: ms, when that batch's lease ends, as its
 *                       claim said; else 0
 *   4  outcomes         one letter a message, in the order claimed, for every message the working list holds; `*` is
 *                       r for all of them
 *                       a ack · c ack of one that has a record or a done-marker · r release · k keep (still running)
 *                       f failed, w asked to wait: retry · x failed for the last time, d rejected: dead letter
 *                       o overloaded: release, and brake
 *   5  claimId          batch to claim, or empty; `<holder>.<n>`
 *   6  holder           the drain that asks; its leases share one slot of maxConcurrency
 *   7  holdsId          batch that must still be leased for a claim without a settle to be served, or empty
 *   8  leaseMs          ms the new lease runs
 *   9  countMax         messages to claim at most
 *  10  bytesMax         bytes to claim at most; one message is always claimed, however large
 *  11  maxConcurrency   live drains of this list at most
 *  12  inspect          1: look at the other leases, the delayed set, the records and the brake; 0: skip them (a quiet,
 *                       lone drain). Without a settle, or with one that is not all acks, the script looks anyway
 *  13  recoverMax       no other expired lease is recovered after this many messages; the claim is then not served
 *  14  promoteMax       due delayed messages to promote at most
 *  15  countRemaining   1: tell how many messages the list holds at the end
 *  16  policy           numbers joined by commas: maxAttempts, deadCountMax (0 none), deadAgeMsMax (0 none), brakeAfter
 *                       (0 no brake), brakePauseMs, brakePauseMsMax, brakeMsMax, heldMax, batchSize, marksBusy (1: a
 *                       tick is to find a live chain in one request; 2: and this drain works on a batch beside
 *                       those named here), busyUntil (what this drain last got as 15)
 *  17… details          one for each f, w, x, d and o, in the order of outcomes. f w: delay, ms · x d: the rest of the
 *                       dead letter's JSON · o: `<until, ms, or 0> <f or x> <what that letter wants>`
 *
 * Returns
 *   1  settled      0 nothing asked · 1 settled now · 2 the lease was lost · 3 settled by an earlier sending of this request
 *   2  claimed      0 nothing asked, or not served: lease lost or more to recover · 1 served (perhaps with no message)
 *                   2 busy · 3 failed, see 12 · 4 braked
 *   3  messages     payloads in the order claimed
 *   4  records      of each of them; empty where none has any
 *   5  now          ms, Redis' own clock
 *   6  expiresAt    ms: end of the claimed batch's lease
 *   7  recovered    messages returned from expired leases
 *   8  nextDueAt    ms: when the next delayed message is due or, if braked, the next probe; -1 none or not looked at
 *   9  remaining    messages in the list, -1 not known
 *  10  settledAs    the outcomes as they were carried out, which a brake changes; empty where that is not known
 *  11  isQuiet      1: looked around and found no other lease, nothing delayed, no records, no brake
 *  12  problem      text of the error that stopped the claim, empty if none
 *  13  calls        Redis commands this script ran, itself not counted
 *  14  buried       dead letters made of messages that crashed too often
 *  15  busyUntil    ms: how long KEYS 7 says busy for this drain, 0 not
 *
 * Cost
 *   A quiet turn of wholly acknowledged messages: TIME ZREM DEL ZADD RPOP LPUSH, six commands whatever the batch size.
 *   Looking around: ZRANGE EXISTS more. Marking a chain: SET and DEL more, once a run, and a SET a second where leases
 *   end before the run does.
 *
 * Invariant
 *   A message is in exactly one place at the end of every run. Reads come first, pushes before removals, and what can
 *   be refused (a full server, a key of the wrong type) is met before anything has moved, because an error in a script
 *   rolls nothing back.
 */
export const turnScript = `
local list, leases, attempts, delayed, dead, brake = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local busy = KEYS[7]
local base, settleId, settleExpiresAt, outcomes = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local claimId, holder, holdsId, leaseMs = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
local countMax, bytesMax, maxConcurrency = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local inspect, recoverMax, promoteMax = ARGV[12] == '1', tonumber(ARGV[13]), tonumber(ARGV[14])
local countRemaining = ARGV[15] == '1'
if settleId == '' then inspect = true end

local policy = {}
for number in ARGV[16]:gmatch('%d+') do policy[#policy + 1] = tonumber(number) end
local maxAttempts, deadCountMax, deadAgeMsMax = policy[1], policy[2], policy[3]
local brakeAfter, brakePauseMs, brakePauseMsMax, brakeMsMax = policy[4], policy[5], policy[6], policy[7]
local heldMax, batchSize = policy[8], policy[9]
local marksBusy, busyUntil = policy[10] or 0, policy[11] or 0

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

-- Every field, the empty ones too.
local function split(joined)
  local fields = {}
  for field in (joined .. ','):gmatch('([^,]*),') do fields[#fields + 1] = field end
  return fields
end

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local settled, claimed, messages, records, expiresAt = 0, 0, {}, {}, 0
local recovered, nextDueAt, remaining, settledAs, isQuiet, problem, buried = 0, -1, -1, '', 0, '', {}
local isRepeat, again, isBrakeSettled, hasState = false, false, false, false

local function readRecord(record)
  local count, crashes, held, first = record:match('^(%d+)%.(%d+)%.(%d+)@(%d+)$')
  return tonumber(count or 0), tonumber(crashes or 0), tonumber(held or 0), first or string.format('%.0f', now)
end

-- The record after one more attempt, one more crash, one more time held back.
local function addTo(record, moreCount, moreCrashes, moreHeld)
  local count, crashes, held, first = readRecord(record)
  return string.format('%d.%d.%d@%s', count + moreCount, crashes + moreCrashes, held + moreHeld, first)
end

-- Records of the copies that wait in the list, by the digest of their payload.
local function readWaiting(digests)
  local waiting = {}
  for first = 1, #digests, CHUNK do
    local last = math.min(first + CHUNK - 1, #digests)
    local found = call('HMGET', attempts, unpack(digests, first, last))
    for index = first, last do
      if found[index - first + 1] then waiting[digests[index]] = found[index - first + 1] end
    end
  end
  return waiting
end

-- Notes the records of messages that go to the list. Equal payloads cannot be told apart there, so what is kept is
-- which records their copies have, not which copy has which.
local function noteWaiting(payloads, given, isNext)
  local digests, with = {}, {}
  for index, payload in ipairs(payloads) do
    if given[index] ~= '' then
      digests[#digests + 1] = redis.sha1hex(payload)
      with[#with + 1] = given[index]
    end
  end
  if #digests == 0 then return end
  local waiting, fields, seen = readWaiting(digests), {}, {}
  for index, digest in ipairs(digests) do
    local others = waiting[digest]
    waiting[digest] = not others and with[index] or isNext and with[index] .. ',' .. others or others .. ',' .. with[index]
  end
  for _, digest in ipairs(digests) do
    if not seen[digest] then
      seen[digest] = true
      fields[#fields + 1] = digest
      fields[#fields + 1] = waiting[digest]
    end
  end
  variadic('HSET', attempts, fields)
end

local function deadLetter(id, at, record, tail, payload)
  local count, _, _, first = readRecord(record)
  return string.format('{"id":"%s.%d","attempts":%d,"firstFailedAt":%s,"lastFailedAt":%.0f,', id, at, count, first, now)
    .. tail .. '\\n' .. payload
end

local function bury(letters)
  variadic('LPUSH', dead, letters)
  if deadCountMax > 0 then call('LTRIM', dead, 0, deadCountMax - 1) end
  if deadAgeMsMax == 0 then return end
  for _ = 1, promoteMax do
    local oldest = call('LINDEX', dead, -1)
    local diedAt = oldest and tonumber(oldest:match('"lastFailedAt":(%d+)'))
    if not diedAt or now - diedAt <= deadAgeMsMax then return end
    call('RPOP', dead)
  end
end

local function pauseAfter(pauses)
  return math.min(brakePauseMsMax, brakePauseMs * 2 ^ math.min(pauses, 40))
end

local function readBrake()
  local found = call('HMGET', brake, 'since', 'until', 'pauses', 'probe')
  local since, endsAt = tonumber(found[1] or nil), tonumber(found[2] or 0)
  -- Once it has held for its longest, failures count as ever, until a success takes it away.
  local mayHold = since and (now < endsAt or now - since < brakeMsMax)
  return { isOn = mayHold, isWorn = since and not mayHold, endsAt = endsAt,
    pauses = tonumber(found[3] or 0), probe = found[4] }
end

-- Decides what the failures of a batch mean, before anything is written. Returns the outcomes to carry out, in which h
-- is a failure that the brake gives back uncounted and O an overload that counts, and a function that writes the
-- brake's new state. Failures before the last success of the batch are the messages' own.
local function considerBrake(batch, known)
  local lastAck = 0
  for index = 1, #outcomes do
    if outcomes:sub(index, index):find('[ac]') then lastAck = index end
  end
  local isOverloaded = outcomes:find('o', 1, true)
  if brakeAfter == 0 or not (isOverloaded or outcomes:find('[fx]', lastAck + 1)) then
    return (outcomes:gsub('o', 'O'))
  end
  isBrakeSettled = true
  local state = readBrake()
  local isWorn, isProbe = state.isWorn, lastAck == 0 and state.probe == settleId
  if lastAck > 0 then state = { pauses = 0 } end

  local failing, untilMs, detail = {}, 0, 16
  for index = 1, #outcomes do
    local letter = outcomes:sub(index, index)
    if letter:find('[fwxdo]') then detail = detail + 1 end
    if letter == 'o' then untilMs = math.max(untilMs, tonumber(ARGV[detail]:match('^%d+'))) end
    if index > lastAck and letter:find('[fxo]') then failing[#failing + 1] = redis.sha1hex(batch[index]) end
  end
  local fields, isNew = {}, false
  if not state.isOn and not isWorn then
    local inARow, count = {}, 0
    if lastAck == 0 then
      for _, digest in ipairs(call('HKEYS', brake)) do inARow[digest], count = true, count + 1 end
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
    local letter, _, _, held = outcomes:sub(index, index), readRecord(known[index] or '')
    local mayHold = not isWorn and held < heldMax
    if letter == 'o' then
      letter = mayHold and 'h' or 'O'
    elseif letter:find('[fx]') and index > lastAck and state.isOn and not isProbe and mayHold then
      -- A probe's failure counts, or a list of nothing but failing messages would never end.
      letter = 'h'
    end
    decided[index] = letter
  end
  return table.concat(decided), function()
    if lastAck > 0 or isNew then call('DEL', brake) end
    if #fields > 0 then variadic('HSET', brake, fields) end
  end
end

-- Sends the messages of a batch their ways. Only a batch that has as many messages as outcomes is touched: a repeated
-- request finds fewer, because each settle removes at least one.
local function settlePartly(working)
  local batch = reversed(call('LRANGE', working, 0, -1))
  if outcomes == '*' then outcomes = string.rep('r', #batch) end
  if #batch ~= #outcomes then
    isRepeat = true
    return
  end
  local found = call('HGET', attempts, settleId)
  local known = split(found or '')
  local decided, writeBrake = considerBrake(batch, known)
  local retries, letters, released, releasedRecords, kept, keptRecords = {}, {}, {}, {}, {}, {}
  local detail, hasRecord = 16, false
  for index, message in ipairs(batch) do
    local letter, given, record = decided:sub(index, index), nil, known[index] or ''
    if outcomes:sub(index, index):find('[fwxdo]') then
      detail = detail + 1
      given = ARGV[detail]
    end
    if letter == 'O' then letter, given = given:match('^%d+ (%a) (.*)$') end
    if letter == 'f' or letter == 'w' then
      retries[#retries + 1] = now + tonumber(given)
      retries[#retries + 1] = string.format('%06d.%05d.%s!%s:', time[2], index, settleId, addTo(record, 1, 0, 0)) .. message
    elseif letter == 'x' or letter == 'd' then
      letters[#letters + 1] = deadLetter(settleId, index, addTo(record, 1, 0, 0), given, message)
    elseif letter == 'r' or letter == 'h' then
      released[#released + 1] = message
      releasedRecords[#releasedRecords + 1] = letter == 'h' and addTo(record, 0, 0, 1) or record
    elseif letter == 'k' then
      kept[#kept + 1] = message
      keptRecords[#keptRecords + 1] = record
      hasRecord = hasRecord or record ~= ''
    end
  end
  if #letters > 0 then call('LLEN', dead) end
  if #retries > 0 then call('ZCARD', delayed) end
  if #released > 0 then variadic('RPUSH', list, reversed(released)) end
  if #retries > 0 then variadic('ZADD', delayed, retries) end
  if #letters > 0 then bury(letters) end
  noteWaiting(released, releasedRecords, true)
  if #kept > 0 then
    variadic('RPUSH', working, reversed(kept))
    call('LTRIM', working, #batch, -1)
    if hasRecord then call('HSET', attempts, settleId, table.concat(keptRecords, ',')) end
    call('DEL', base .. 'done:' .. settleId)
  else
    call('ZREM', leases, settleId)
    call('DEL', working, base .. 'done:' .. settleId)
  end
  if found and not hasRecord then call('HDEL', attempts, settleId) end
  if writeBrake then writeBrake() end
  settledAs = decided
end

if settleId ~= '' then
  local working = base .. 'working:' .. settleId
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
-- ends outermost. What crashed too often is buried, and what has its done-marker is done. Returns whether all are
-- back; until then nothing may be claimed, or order would be lost.
local function recover(expired)
  for position = #expired, 1, -1 do
    if recovered >= recoverMax then return false end
    local id = expired[position]
    local working, done = base .. 'working:' .. id, base .. 'done:' .. id
    local batch = reversed(call('LRANGE', working, 0, -1))
    if #batch > 0 then
      local known, finished = split(call('HGET', attempts, id) or ''), {}
      for _, digest in ipairs(call('HVALS', done)) do finished[digest] = (finished[digest] or 0) + 1 end
      local back, backRecords, letters = {}, {}, {}
      for index, message in ipairs(batch) do
        local digest = redis.sha1hex(message)
        local record = addTo(known[index] or '', 1, 1, 0)
        if (finished[digest] or 0) > 0 then
          finished[digest] = finished[digest] - 1
        elseif readRecord(record) >= maxAttempts then
          letters[#letters + 1] = deadLetter(id, index, record, '"reason":"crashed"}', message)
        else
          back[#back + 1] = message
          backRecords[#backRecords + 1] = record
        end
      end
      if #letters > 0 then call('LLEN', dead) end
      if #back > 0 then variadic('RPUSH', list, reversed(back)) end
      if #letters > 0 then bury(letters) end
      noteWaiting(back, backRecords, true)
      call('DEL', working, done)
      call('HDEL', attempts, id)
      recovered = recovered + #back
      for _, letter in ipairs(letters) do buried[#buried + 1] = letter end
    end
    call('ZREM', leases, id)
  end
  return true
end

local function promote()
  local due = call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, promoteMax)
  if #due > 0 then
    local payloads, given = {}, {}
    for index, member in ipairs(due) do
      local colon = member:find(':', 1, true) or 0
      payloads[index] = member:sub(colon + 1)
      given[index] = member:sub(1, colon - 1):match('!(%d+%.%d+%.%d+@%d+)$') or ''
    end
    variadic('LPUSH', list, payloads)
    noteWaiting(payloads, given, false)
    variadic('ZREM', delayed, due)
  end
  local first = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  if first[2] then nextDueAt = tonumber(first[2]) end
end

-- How many messages may share a batch with one that has been in crashes: a tenth for each, and none on its last
-- attempt, so that the one that causes them is soon alone. Infinite for one that has been in none.
local function companyOf(record)
  local count, crashes = readRecord(record)
  if crashes == 0 then return math.huge end
  if count >= maxAttempts - 1 then return 1 end
  return math.max(1, math.floor(batchSize / 10 ^ crashes))
end

-- How many of the popped messages make one batch: as many as the bytes allow, never suspects beside others.
local function fitting(popped, given)
  local bytes, company = 0, companyOf(given[1] or '')
  if company < math.huge and holdsId ~= '' then return 0 end
  for index, message in ipairs(popped) do
    bytes = bytes + #message
    local allowed = companyOf(given[index] or '')
    if index > 1 and (bytes > bytesMax or (allowed == math.huge) ~= (company == math.huge)) then return index - 1 end
    company = math.min(company, allowed)
    if index > company then return index - 1 end
  end
  return #popped
end

-- Gives each popped message a record of its payload's, and says what remains of those that are used up.
local function takeRecords(popped)
  local digests, given, taken = {}, {}, {}
  for index, message in ipairs(popped) do digests[index] = redis.sha1hex(message) end
  local waiting = readWaiting(digests)
  if next(waiting) == nil then return given, function() end end
  for index, digest in ipairs(digests) do
    local of = waiting[digest] and split(waiting[digest]) or {}
    taken[digest] = (taken[digest] or 0) + 1
    given[index] = of[taken[digest]] or ''
  end
  return given, function(count)
    local used, fields, gone, hasRecord = {}, {}, {}, false
    for index = 1, count do
      local digest = digests[index]
      if waiting[digest] and not used[digest] then
        used[digest] = 0
        for other = index, count do
          if digests[other] == digest then used[digest] = used[digest] + 1 end
        end
        local of = split(waiting[digest])
        if used[digest] < #of then
          fields[#fields + 1] = digest
          fields[#fields + 1] = table.concat(of, ',', used[digest] + 1)
        else
          gone[#gone + 1] = digest
        end
      end
      hasRecord = hasRecord or given[index] ~= ''
    end
    if not hasRecord then return end
    for index = count + 1, #given do given[index] = nil end
    fields[#fields + 1] = claimId
    fields[#fields + 1] = table.concat(given, ',')
    variadic('HSET', attempts, fields)
    variadic('HDEL', attempts, gone)
    records = given
  end
end

local function claim()
  claimed = 1
  -- The lease comes first: a full server refuses it here, before any message has moved.
  expiresAt = now + leaseMs
  call('ZADD', leases, expiresAt, claimId)
  local popped = redis.pcall('RPOP', list, countMax)
  calls = calls + 1
  if not popped or popped.err then
    call('ZREM', leases, claimId)
    if popped and popped.err then error(popped.err, 0) end
    remaining = 0
    return
  end
  if #popped < countMax then remaining = 0 end
  local given, writeTaken = {}, nil
  if hasState then given, writeTaken = takeRecords(popped) end
  local count, surplus = fitting(popped, given), {}
  for index, message in ipairs(popped) do
    if index <= count then messages[index] = message else surplus[#surplus + 1] = message end
  end
  if #surplus > 0 then remaining = variadic('RPUSH', list, reversed(surplus)) end
  if count == 0 then
    call('ZREM', leases, claimId)
    return
  end
  variadic('LPUSH', base .. 'working:' .. claimId, messages)
  if writeTaken then writeTaken(count) end
end

local function claimAgain(score)
  claimed, expiresAt = 1, tonumber(score)
  messages = reversed(call('LRANGE', base .. 'working:' .. claimId, 0, -1))
  local known = call('HGET', attempts, claimId)
  if known then records = split(known) end
end

local othersCount, othersUntil = 0, math.huge

local function lookAroundAndClaim()
  local isHolding, others, expired = settled == 1, {}, {}
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
      else
        othersUntil = math.min(othersUntil, score)
        if not others[owner] then others[owner], othersCount = true, othersCount + 1 end
      end
    end
  end
  if again then return claimAgain(again) end
  if isRepeat and claimId ~= '' then claimed = 1 end
  if isRepeat or settled == 2 then return end

  local braked = {}
  if inspect then
    if #expired > 0 and not recover(expired) then return end
    hasState = call('EXISTS', attempts, delayed, brake) > 0
    if hasState then
      promote()
      -- Any success lifts the brake.
      if settled == 1 and outcomes:find('[ac]') and not isBrakeSettled then call('DEL', brake)
      elseif brakeAfter > 0 then braked = readBrake() end
    end
    if othersCount == 0 and #expired == 0 and not hasState then isQuiet = 1 end
  end
  if claimId == '' or (holdsId ~= '' and not isHolding) then return end
  if not isHolding and othersCount >= maxConcurrency then
    claimed = 2
    return
  end
  if braked.isOn and call('EXISTS', list) == 0 then
    claimed, remaining = 1, 0
  elseif braked.isOn and now < braked.endsAt then
    claimed, nextDueAt = 4, braked.endsAt
  else
    if braked.isOn then countMax = 1 end
    claim()
    if braked.isOn and #messages > 0 then
      call('HSET', brake, 'probe', claimId, 'until', string.format('%.0f', now + pauseAfter(braked.pauses)))
    end
  end
end

-- Where no more drains may come, says so for as long as that is certain. It is only a hint: what does not hold as long as
-- it says is taken back, and where it ends too soon the leases decide.
local function markBusy()
  if marksBusy == 0 or settled == 2 then return end
  if again then
    -- The earlier sending has set it, perhaps.
    busyUntil = expiresAt
    return
  end
  if #messages > 0 and othersCount + 1 >= maxConcurrency then
    local untilMs = math.min(expiresAt, othersUntil)
    if untilMs >= busyUntil and untilMs < busyUntil + 1000 then return end
    busyUntil = untilMs
    call('SET', busy, '', 'PX', string.format('%.0f', math.max(1, untilMs - now)))
  elseif marksBusy == 1 and (busyUntil > now or (maxConcurrency > 1 and #messages == 0)) then
    -- Where several may drain, another has set it, perhaps.
    busyUntil = 0
    call('DEL', busy)
  end
end

local isDone, failure = pcall(function()
  lookAroundAndClaim()
  if countRemaining then remaining = call('LLEN', list) end
  -- With no message anywhere, what is noted can only be remains.
  if hasState and #messages == 0 and remaining == 0 and nextDueAt < 0 and call('EXISTS', leases) == 0 then
    call('DEL', attempts, brake)
  end
end)
if not isDone then
  claimed, messages, records = 3, {}, {}
  problem = type(failure) == 'table' and failure.err or tostring(failure)
end
markBusy()
return { settled, claimed, messages, records, now, expiresAt, recovered, nextDueAt, remaining, settledAs, isQuiet,
  problem, calls, buried, busyUntil }
`.trim();

/** The same script, for a server at `maxmemory` (Redis 7 and newer know the flag): what it moves needs no memory. */
export const turnScriptWhenFull = `#!lua flags=allow-oom\n${turnScript}`;
