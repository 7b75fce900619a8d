/** Moves due delayed messages to the left end of the list, and notes when the next one is due. */
export const promoteLua = `
local function promoteDue(due)
  local payloads, given = {}, {}
  for index, member in ipairs(due) do payloads[index], given[index] = readDelayed(member) end
  push('LPUSH', list, payloads)
  noteWaiting(payloads, given, false)
  if not try('ZREM', delayed, unpack(due)) then call('ZREMRANGEBYRANK', delayed, 0, #due - 1) end
end

local function noteNextDue()
  local first = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  if first[2] then nextDueAt = tonumber(first[2]) end
end

local function readDue()
  local due, bytes, expected = {}, 0, sizeHint
  while #due < promoteMax and bytes < BYTES do
    local count = math.max(1, math.min(promoteMax - #due, readable(#due, BYTES - bytes, expected)))
    local found = call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', #due, count)
    for _, member in ipairs(found) do
      due[#due + 1] = member
      bytes = bytes + #member
      expected = math.max(expected, #member)
    end
    if #found < count then break end
  end
  return due
end

local function promote()
  local due = readDue()
  if #due > 0 and not step(function() promoteDue(due) end) then
    claimed = FAILED
    return false
  end
  noteNextDue()
  return true
end
`;
