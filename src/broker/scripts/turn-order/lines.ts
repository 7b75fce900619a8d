/**
 * The lines of messages, one for each key. `lines` holds which batch has a key. `parked` holds, in their order, the messages that
 * wait for that batch or for their next attempt. As long as there are any, `due` holds when a drain is to look at the line. So no
 * line is forgotten: a batch without a lease holds no key any more.
 */
export const linesLua =
  `
local NO_KEY = ('-'):rep(16)

local function slice(values, first, last)
  local part = {}
  for index = first, last do part[#part + 1] = values[index] end
  return part
end

local function keysIn(text)
  local keys = {}
  for key in (text or ''):gmatch(('.'):rep(16)) do keys[#keys + 1] = key end
  return keys
end

local function keysOf(id, count)
  local keys = mode == 'k' and keysIn(call('HMGET', lines, id)[1]) or {}
  return #keys == count and keys or {}
end

local function parkedMember(key, place, history, message)
  return string.format('%s:%016.0f:%s:', key, place, history) .. message
end
` +
  // Moves the place of the first or the last message of all lines.
  `
local function moveEnd(name, by)
  local at = try('HINCRBY', lines, name, by)
  if not at then
    at = (tonumber(call('HMGET', lines, name)[1] or nil) or 0) + by
    call('HSET', lines, name, string.format('%.0f', at))
  end
  return 5e15 + at
end
` +
  // Takes entries { key, history, message }, the oldest first. Returns members of `parked` that stand before all others of their keys.
  `
local function membersInFront(entries)
  local first, members = moveEnd('first', -#entries) - 1, {}
  for index, entry in ipairs(entries) do
    members[index] = parkedMember(entry[1], first + index, entry[2], entry[3])
  end
  return members
end

local function askEach(command, key, fields)
  local found = {}
  for first = 1, #fields, CHUNK do
    for _, value in ipairs(call(command, key, unpack(fields, first, math.min(first + CHUNK - 1, #fields)))) do
      found[#found + 1] = value
    end
  end
  return found
end

local function scheduleLines(condition, times)
  for first = 1, #times, CHUNK do
    call('ZADD', due, condition, unpack(times, first, math.min(first + CHUNK - 1, #times)))
  end
end

local function scored(members)
  local pairs = {}
  for _, member in ipairs(members) do
    pairs[#pairs + 1] = 0
    pairs[#pairs + 1] = member
  end
  return pairs
end

local function tryEach(command, key, values)
  for first = 1, #values, CHUNK do try(command, key, unpack(values, first, math.min(first + CHUNK - 1, #values))) end
end

local function park(members)
  undos[#undos + 1] = function() tryEach('ZREM', parked, members) end
  variadic('ZADD', parked, scored(members))
  hasWaiting, quiet = true, -1
end
` +
  // Frees the keys of a batch: those with a time in `dues` are due then, and others that have a line are due now. `kept`: the keys
  // that the batch goes on to hold, one for each message that it keeps. If HDEL is refused, the end of the lease frees them.
  `
local function freeKeys(id, keys, dues, kept, mayWait)
  local isKept, seen, times, looks, gone, back = {}, {}, {}, {}, {}, {}
  for _, key in ipairs(kept) do isKept[key] = true end
  for _, key in ipairs(keys) do
    if key ~= NO_KEY and not seen[key] then
      seen[key] = true
      if dues[key] then
        times[#times + 1] = isKept[key] and settleExpiresAt or dues[key]
        times[#times + 1] = key
      elseif not isKept[key] then
        looks[#looks + 1] = now
        looks[#looks + 1] = key
      end
      if not isKept[key] then
        gone[#gone + 1] = key
        back[#back + 1] = key
        back[#back + 1] = id
      end
    end
  end
  variadic('ZADD', due, times)
  if mayWait then scheduleLines('XX', looks) end
  back[#back + 1] = id
  back[#back + 1] = table.concat(keys)
  undos[#undos + 1] = function() variadic('HSET', lines, back) end
  if #kept > 0 then call('HSET', lines, id, table.concat(kept)) else gone[#gone + 1] = id end
  tryEach('HDEL', lines, gone)
end
`;
