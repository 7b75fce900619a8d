import * as limits from "../../../limits.ts";

/**
 * How the scripts talk to Redis. Each command is counted, and each refusal is noted with its command and key. All writes that move
 * messages go through these functions, so that a refusal at any point leaves each message in one place:
 *
 * - `call` runs a command; a refusal ends the step that it belongs to.
 * - `try` runs a command that may fail: a refusal is noted, and the answer is nil.
 * - `step` does some work wholly or not at all: where one of its commands is refused, it runs what the work has noted with `undo`,
 *   the last first, and answers false.
 *
 * A server that refuses all writes (it is full, or a replica) refuses the first one, when nothing has moved: then the script ends
 * with an error, and the request can be sent again.
 */
export const commandsLua =
  `
local calls, problem, isWritten, undos = 0, '', false, {}
local reads = { TIME = 1, EXISTS = 1, LRANGE = 1, LLEN = 1, LINDEX = 1, HGET = 1, HMGET = 1, HKEYS = 1, HVALS = 1,
  ZSCORE = 1, ZRANGE = 1, ZRANGEBYSCORE = 1 }
local refusedByServer = { READONLY = 1, OOM = 1, MISCONF = 1, NOREPLICAS = 1 }

local function run(command, ...)
  calls = calls + 1
  local reply = redis.pcall(command, ...)
  if type(reply) == 'table' and reply.err then
    if not isWritten and refusedByServer[reply.err:match('%f[%u]%u%u+')] then error({ server = reply.err }, 0) end
    return nil, (reply.command or command) .. ' ' .. ((...) or '') .. '\\n' .. reply.err
  end
  if not reads[command] then isWritten = true end
  return reply
end

local function note(refusal)
  if refusal and problem == '' then problem = refusal end
end

local function try(...)
  local reply, refusal = run(...)
  note(refusal)
  return reply
end

local function call(...)
  local reply, refusal = run(...)
  if refusal then error({ refusal = refusal }, 0) end
  return reply
end

local function undo(command, ...)
  local arguments = { command, ... }
  undos[#undos + 1] = function() return try(unpack(arguments)) end
end

local function step(work)
  undos = {}
  local isDone, failure = pcall(work)
  if isDone then return true end
  local isRefused = type(failure) == 'table' and failure.refusal
  if isRefused then note(failure.refusal) end
  for index = #undos, 1, -1 do undos[index]() end
  if not isRefused then error(failure, 0) end
  return false
end
` +
  // Lua's stack bounds the arguments of a call, and Redis is blocked while a script reads.
  `
local CHUNK, BYTES = 4000, ${limits.scriptBytesMax}
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
` +
  // Pushes to one end of a list, and notes how to undo it.
  `
local function push(command, key, values)
  for first = 1, #values, CHUNK do
    local last = math.min(first + CHUNK - 1, #values)
    call(command, key, unpack(values, first, last))
    if command == 'LPUSH' then undo('LTRIM', key, last - first + 1, -1) else undo('LTRIM', key, 0, first - last - 2) end
  end
end
` +
  // Removes a working list, the first of the keys, by one of two commands.
  `
local function remove(working, ...)
  if not (try('DEL', working, ...) or try('LTRIM', working, 1, 0)) then error({ refusal = problem }, 0) end
end
`;
