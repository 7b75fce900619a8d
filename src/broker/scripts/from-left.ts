/**
 * What stands before a script where the list is consumed from its left end: each command that the script runs on its first
 * key, the list, is turned around, so that the list is the mirror of what the script takes it for. Nothing else changes, and
 * the cost is the same. A refusal names the command that was sent. The script is run as a function of its own, for Lua lets
 * one have 200 local variables, and `turn-order` needs them all.
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
