/**
 * Stands before a script where the list is consumed from its left end. It mirrors each command that the script runs on its first
 * key, the list, so that the script sees a list that is consumed from its right end. Nothing else changes, and the cost is the
 * same. A refusal names the command that was really sent. The script runs as a function of its own, because Lua allows a function
 * 200 local variables, and `turn-order` needs all of them.
 */
export const fromLeftLua = `
local redis = (function(own)
  local list, others = KEYS[1], { LPOP = 'RPOP', RPOP = 'LPOP', LPUSH = 'RPUSH', RPUSH = 'LPUSH' }
  local function turned(run)
    return function(name, ...)
      local key, first, last = ...
      if key ~= list then return run(name, ...) end
      if name == 'LINDEX' then return run(name, key, -1 - first) end
      if name == 'LTRIM' then return run(name, key, -1 - last, -1 - first) end
      if name == 'LRANGE' then
        local found, values = run(name, key, -1 - last, -1 - first), {}
        if found.err then return found end
        for index = #found, 1, -1 do values[#values + 1] = found[index] end
        return values
      end
      local reply = run(others[name] or name, ...)
      if type(reply) == 'table' and reply.err then reply.command = others[name] end
      return reply
    end
  end
  return setmetatable({ call = turned(own.call), pcall = turned(own.pcall) }, { __index = own })
end)(redis)
`;
