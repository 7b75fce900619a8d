import * as limits from "../../../limits.ts";
import { claimLua } from "../turn/claim.ts";
import { controlLua } from "../turn/control.ts";
import { keyLimitsLua } from "./key-limits.ts";
import { patched, sealed } from "./patched.ts";

/**
 * Claims by key. First come lines that are due, which share half of the batch fairly. Then come the messages that the drain was
 * shown at the end of the list, each with its key: a message stays in the batch if its key is free or already the batch's, and
 * otherwise is parked at the end of its line. The list must still end with the messages shown, or none of them is taken.
 */
const claimByKeyLua =
  `
local holderEnds = {}

local function endOf(holder)
  if holderEnds[holder] == nil then holderEnds[holder] = tonumber(call('ZSCORE', leases, holder) or nil) or false end
  return holderEnds[holder]
end
` +
  // Returns the lines that may go on among the next that are due, and whether these were all. A line whose key is held after all
  // is looked at again when that lease ends, and one whose key has reached its limit when the next window begins.
  `
local function readFreeLines(most)
  local keys, free, later = call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, most), {}, {}
  if #keys == 0 then return free, true end
  local holders = call('HMGET', lines, unpack(keys))
  askUsed(keys)
  for at, key in ipairs(keys) do
    local endsAt, _, windowAt = holders[at] and endOf(holders[at]), leftOf(key)
    if endsAt or windowAt then
      later[#later + 1] = endsAt and math.max(endsAt, now + 100) or windowAt
      later[#later + 1] = key
    else
      free[#free + 1] = key
    end
  end
  scheduleLines('XX', later)
  return free, #keys < most
end
` +
  // Returns messages, the oldest first; for each of their lines, whether it was taken whole, so that later messages of its key
  // may share the batch; and how many more of its key may. Lines may turn out empty, and all of a page may have to wait.
  `
local function readDueLines(room)
  local taken, isOpen, left, bytes = {}, {}, {}, 0
  for _ = 1, hasWaiting and ${limits.duePagesMax} or 0 do
    local free, isLast = readFreeLines(math.min(room, 100))
    for at, key in ipairs(free) do
      if #taken >= room or bytes >= bytesMax then break end
      local mayHave = leftOf(key)
      local fair = math.min(mayHave, math.max(1, math.floor((room - #taken) / (#free - at + 1))))
      local wanted = math.min(fair, math.max(1, readable(#taken, bytesMax - bytes, math.max(sizeHint, largest))))
      local members = call('ZRANGEBYLEX', parked, '[' .. key .. ':', '(' .. key .. ';', 'LIMIT', 0, wanted)
      if #members == 0 then call('ZREM', due, key) end
      for _, member in ipairs(members) do
        local colon = member:find(':', 35, true) or 35
        local message = member:sub(colon + 1)
        taken[#taken + 1] = { key, member:sub(35, colon - 1), message, member }
        bytes = bytes + #message
        largest = math.max(largest, #message)
      end
      isOpen[key], left[key] = #members < wanted, mayHave - #members
    end
    if #taken > 0 or isLast then break end
  end
  return taken, isOpen, left
end

local function popShown()
  local popped, print = freshCount > 0 and call('RPOP', list, freshCount) or {}, ''
  undos[#undos + 1] = function() putBack(popped) end
  for _, message in ipairs(popped) do
    print = redis.sha1hex(print .. message):sub(1, 16)
    largest = math.max(largest, #message)
  end
  if #popped ~= freshCount or print ~= freshPrint then
    putBack(popped)
    popped = {}
  end
  return popped
end
` +
  // Decides for each message whether it stays, and when a drain is to look at the lines of the others. Stops where no more can be
  // parked. A turn that did not look for lines learns here whether there are any, since messages may have been redriven.
  `
local function arrange(popped, count, isOpen, left)
  local keys, asked, stays, parks, looks = keysIn(freshKeys), {}, {}, {}, {}
  for index = 1, count do
    local key = keys[index]
    if key ~= NO_KEY and isOpen[key] == nil then
      isOpen[key] = true
      asked[#asked + 1] = key
    end
  end
  local fields = slice(asked, 1, #asked)
  if not inspect and #asked > 0 then fields[#asked + 1], fields[#asked + 2] = 'first', 'last' end
  local holders = askEach('HMGET', lines, fields)
  if holders[#asked + 1] or holders[#asked + 2] then hasWaiting, quiet = true, -1 end
  local waits = hasWaiting and askEach('ZMSCORE', due, asked) or {}
  askUsed(asked)
  for at, key in ipairs(asked) do
    local endsAt = holders[at] and endOf(holders[at])
    local mayHave, windowAt = leftOf(key)
    looks[key] = endsAt or windowAt
    isOpen[key], left[key] = not (endsAt or waits[at]), mayHave
  end
  local room
  for index = 1, count do
    local key = keys[index]
    if key ~= NO_KEY and isOpen[key] then
      left[key] = left[key] - 1
      if left[key] < 0 then isOpen[key], looks[key] = false, looks[key] or expiresAt end
    end
    if key == NO_KEY or isOpen[key] then
      stays[#stays + 1] = index
    else
      room = room or parkedMax - call('ZCARD', parked)
      if #parks >= room then return stays, parks, looks, keys, index - 1 end
      parks[#parks + 1] = index
    end
  end
  return stays, parks, looks, keys, count
end

local function parkBehind(popped, given, parks, keys, looks)
  local last, members, times = moveEnd('last', #parks) - #parks, {}, {}
  for at, index in ipairs(parks) do
    local key = keys[index]
    members[at] = parkedMember(key, last + at, given[index] or '', popped[index])
    if looks[key] then
      times[#times + 1] = looks[key]
      times[#times + 1] = key
      looks[key] = nil
    end
  end
  scheduleLines('NX', times)
  park(members)
end
` +
  // The rest of a line that was taken is looked at when this lease ends or, sooner, when the batch is settled.
  `
local function leaveLines(taken, isOpen)
  local members, times, seen = {}, {}, {}
  for at, entry in ipairs(taken) do
    members[at] = entry[4]
    if not seen[entry[1]] then
      seen[entry[1]] = true
      times[#times + 1] = expiresAt
      times[#times + 1] = entry[1]
    end
  end
  if #times == 0 then return end
  variadic('ZADD', due, times)
  undos[#undos + 1] = function() variadic('ZADD', parked, scored(members)) end
  variadic('ZREM', parked, members)
  for key in pairs(seen) do
    if isOpen[key] then try('ZREM', due, key) end
  end
  if try('EXISTS', parked) == 0 then
    try('DEL', due)
    try('HDEL', lines, 'first', 'last')
  end
end

` +
  // Where the list had nothing to show, a turn that did not look for lines asks now, or the run would end beside one.
  `
local function claimByKey()
  takeTime()
  if settled ~= SETTLED then lease() end
  if not inspect and freshCount == 0 and call('EXISTS', due) == 1 then hasWaiting, quiet = true, -1 end
  local taken, isOpen, left = readDueLines(freshCount > 0 and math.max(1, math.floor(countMax / 2)) or countMax)
  local popped = popShown()
  if #taken + #popped > 0 and expiresAt == 0 then lease() end
  local given, moveHistories, all, ofAll = {}, nil, {}, {}
  if hasState and #popped > 0 then given, moveHistories = takeHistories(popped) end
  given = slice(given, 1, #popped)
  for at, entry in ipairs(taken) do all[at], ofAll[at] = entry[3], entry[2] end
  for at, message in ipairs(popped) do all[#taken + at], ofAll[#taken + at] = message, given[at] or '' end
  local count = #all > 0 and math.min(countMax, fitting(all, ofAll)) or 0
  for at = #taken, count + 1, -1 do isOpen[taken[at][1]], taken[at] = false, nil end
  local stays, parks, looks, keys, moved = arrange(popped, count - #taken, isOpen, left)
  movedCount = moved

  local batch, ofBatch, held, fields, hasHistory = {}, {}, {}, {}, false
  for at, entry in ipairs(taken) do
    held[at], ofBatch[at], batch[at] = entry[1], entry[2], entry[3]
  end
  for _, index in ipairs(stays) do
    local at = #batch + 1
    held[at], ofBatch[at], batch[at] = keys[index], given[index] or '', popped[index]
  end
  for at, key in ipairs(held) do
    hasHistory = hasHistory or ofBatch[at] ~= ''
    if key ~= NO_KEY then
      fields[#fields + 1] = key
      fields[#fields + 1] = claimId
    end
  end
  spendKeys(held)
  if #parks > 0 then parkBehind(popped, given, parks, keys, looks) end
  if #batch > 0 then
    claimedKeys = table.concat(held)
    variadic('LPUSH', claimWorking, batch)
    undo('DEL', claimWorking)
    undos[#undos + 1] = function()
      for at = 1, #fields, 2 do try('HDEL', lines, fields[at]) end
    end
    fields[#fields + 1] = claimId
    fields[#fields + 1] = claimedKeys
    variadic('HSET', lines, fields)
  end
  if moveHistories then moveHistories(moved) end
  if hasHistory then
    call('HSET', attempts, claimId, table.concat(ofBatch, ','))
  elseif #histories > 0 then
    call('HDEL', attempts, claimId)
  end
  histories = hasHistory and ofBatch or {}
  if spend then spend(#batch) end
  leaveLines(taken, isOpen)
  local surplus = slice(popped, moved + 1, #popped)
  if #surplus > 0 then putBack(surplus) end
  if #batch == 0 then
    if expiresAt > 0 then try('ZREM', leases, claimId) end
    expiresAt = 0
    if moved == 0 and #popped > 0 then claimed = HELD end
    return
  end
  payloads = slice(batch, 1, #taken)
  for _, index in ipairs(stays) do places[#places + 1] = index end
  messages = batch
end
` +
  // Shows the drain the end of the list, so that it can send the keys with its next claim.
  `
local function peek()
  local bytes, expected, print = 0, math.max(sizeHint, largest), ''
  while #peeked < countMax and bytes < bytesMax do
    local wanted = math.max(1, math.min(countMax - #peeked, readable(#peeked, bytesMax - bytes, expected)))
    local chunk = call('LRANGE', list, -#peeked - wanted, -#peeked - 1)
    for index = #chunk, 1, -1 do
      print = redis.sha1hex(print .. chunk[index]):sub(1, 16)
      peeked[#peeked + 1] = chunk[index]
      prints[#prints + 1] = print
      bytes = bytes + #chunk[index]
      expected = math.max(expected, #chunk[index])
    end
    if #chunk < wanted then
      remaining = #peeked
      break
    end
  end
end
`;

export const claimInOrderLua = patched(
  claimLua,
  ["local function claim()\n", `${sealed(claimByKeyLua, ["claimByKey", "peek"])}\nlocal function claim()\n`],
  [
    "  if step(claimBatch) then return end\n",
    "  if step(mode == 'k' and claimByKey or claimBatch) then\n    if mode == 'k' then peek() end\n    return\n  end\n",
  ],
  [
    "  if known then histories = split(known) end\n",
    "  if known then histories = split(known) end\n  if mode == 'k' then claimedKeys = call('HMGET', lines, claimId)[1] or '' end\n",
  ],
  ["call('EXISTS', list) == 0", "call('EXISTS', list, due) == 0"],
);

const keyLimitNames = "'keyLimit', 'keyWindowMs', 'keyInFlight'";

export const controlInOrderLua =
  sealed(keyLimitsLua, ["readKeyLimits", "askUsed", "leftOf", "spendKeys"]) +
  patched(
    controlLua,
    [
      "  local paused, limit, windowMs, endsAt, used =\n",
      "  local paused, limit, windowMs, endsAt, used, ofKey, keyMs, inFlight =\n",
    ],
    ["'endsAt', 'used'))", `'endsAt', 'used', ${keyLimitNames}))`],
    [
      "  limit, windowMs = numberIn(",
      `  if mode == 'k' then
    readKeyLimits(numberIn(ofKey, 1, 2 ^ 53), numberIn(keyMs, 1, leaseMsMax), numberIn(inFlight, 1, 2 ^ 53))
  end
  limit, windowMs = numberIn(`,
    ],
    ["call('EXISTS', list) == 0", "call('EXISTS', list, due) == 0"],
  );
