/**
 * What an operator has set for the list's drains: a pause, or a limit of messages in a window of time. Where nothing was ever set
 * there is no such key, and it costs nothing, since it is looked for together with others.
 */
export const controlLua =
  // Returns whether a claim may be made and of how many messages at most, or notes why not.
  `
local hasControl, spend = ARGV[12] == '2', nil

local function mayClaim()
  if not hasControl then return true end
  takeTime()
  local paused, limit, windowMs, endsAt, used =
    unpack(call('HMGET', control, 'paused', 'limit', 'windowMs', 'endsAt', 'used'))
  if paused then
    claimed = PAUSED
    return false
  end
  local function numberIn(text, min, max)
    local number = tonumber(text or nil)
    return number and number >= min and number <= max and number or nil
  end
  limit, windowMs = numberIn(limit, 1, 2 ^ 53), numberIn(windowMs, 1, leaseMsMax)
  if not limit or not windowMs then return true end
` +
  // Where a window ends later than one that begins now, the clock stepped back, or windows have become shorter.
  `
  endsAt, used = numberIn(endsAt, now + 1, now + windowMs), numberIn(used, 0, 2 ^ 53)
  if not endsAt or not used then endsAt, used = now + windowMs, 0 end
  if used >= limit then
    if call('EXISTS', list) == 0 then
      claimed, remaining = SERVED, 0
    else
      claimed, nextDueAt = LIMITED, endsAt
    end
    return false
  end
  countMax = math.min(countMax, limit - used)
  spend = function(count)
    call('HSET', control, 'endsAt', string.format('%.0f', endsAt), 'used', used + count)
    undo('HSET', control, 'used', used)
  end
  return true
end
`;
