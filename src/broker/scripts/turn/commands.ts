/** How the script talks to Redis: each command counted, and the time taken once. */
export const commandsLua =
  `
local calls = 0
local function call(...)
  calls = calls + 1
  return redis.call(...)
end
` +
  // Lua's stack bounds how many arguments one call may take.
  `
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

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;
