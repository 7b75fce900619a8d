/** Due delayed messages go to the left end of the list, and when the next one is due is noted. */
export const promoteLua = `
local function promote()
  local due = call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, promoteMax)
  if #due > 0 then
    local payloads, given = {}, {}
    for index, member in ipairs(due) do payloads[index], given[index] = readDelayed(member) end
    variadic('LPUSH', list, payloads)
    noteWaiting(payloads, given, false)
    variadic('ZREM', delayed, due)
  end
  local first = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  if first[2] then nextDueAt = tonumber(first[2]) end
end
`;
