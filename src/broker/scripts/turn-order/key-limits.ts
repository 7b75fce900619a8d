/**
 * The limits of each key: so many messages in a window of time, and so many at once. All keys share one window, which lasts as long
 * as the hash `rates`, which expires.
 */
export const keyLimitsLua =
  `
local keyLimit, keyWindowMs, keyInFlight, windowEndsAt, isNewWindow, usedBy = nil, nil, nil, 0, false, {}

local function readKeyLimits(limit, windowMs, inFlight)
  if limit and windowMs then keyLimit, keyWindowMs = limit, windowMs end
  keyInFlight = inFlight
end
` +
  // A window that would end later than one that begins now does not count, as with the limit of the list.
  `
local function askUsed(keys)
  if not keyLimit or isNewWindow or #keys == 0 then return end
  local fields = { 'endsAt' }
  for at, key in ipairs(keys) do fields[at + 1] = key end
  local found = askEach('HMGET', rates, fields)
  windowEndsAt = tonumber(found[1] or nil) or 0
  if not (windowEndsAt > now and windowEndsAt <= now + keyWindowMs) then
    windowEndsAt, isNewWindow = now + keyWindowMs, true
    return
  end
  for at = 2, #fields do
    local used = tonumber(found[at] or nil)
    if used and used >= 0 and used <= 2 ^ 53 then usedBy[fields[at]] = used end
  end
end
` +
  // Returns how many messages of a key may be claimed and, where none may, when a drain is to look at its line. The half of a
  // millisecond marks a line that waits for its window.
  `
local function leftOf(key)
  local left = keyLimit and keyLimit - (usedBy[key] or 0) or math.huge
  return math.min(left, keyInFlight or math.huge), left < 1 and windowEndsAt + 0.5 or nil
end

local function spendKeys(claimedOf)
  if not keyLimit then return end
  local counts, fields, back = {}, {}, {}
  for _, key in ipairs(claimedOf) do
    if key ~= NO_KEY then counts[key] = (counts[key] or usedBy[key] or 0) + 1 end
  end
  if next(counts) == nil then return end
  if isNewWindow then
    undo('DEL', rates)
    call('DEL', rates)
    fields = { 'endsAt', string.format('%.0f', windowEndsAt) }
  else
    undos[#undos + 1] = function() pcall(variadic, 'HSET', rates, back) end
  end
  for key, used in pairs(counts) do
    fields[#fields + 1], back[#back + 1] = key, key
    fields[#fields + 1], back[#back + 1] = used, usedBy[key] or 0
  end
  variadic('HSET', rates, fields)
  if isNewWindow then call('PEXPIRE', rates, keyWindowMs) end
end
`;
