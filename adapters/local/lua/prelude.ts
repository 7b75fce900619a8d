/**
 * The Lua side of the interpreter: exactly what a script finds when it begins. A script sees the libraries that Redis gives it,
 * cannot change them, and cannot make globals, so that scripts of all stores may share one machine.
 *
 * Gets `call`, `pcall` and `sha1hex`, written in TypeScript. Returns `compile(sha, source)`, which answers the problem or
 * nil, and `run(sha, keys, argv)`, which answers whether it went well, and the value or the error's text.
 */
export const prelude = `
local call, protectedCall, sha1hex = ...
local getinfo, loadText, plainPcall, rawset = debug.getinfo, loadstring, pcall, rawset
local error, select, type, tostring = error, select, type, tostring

local protected = {}
local readonlyProblem = 'Attempt to modify a readonly table'
local function refuse() error(readonlyProblem, 2) end
local function readonly(library)
  local shown = setmetatable({}, { __index = library, __metatable = false, __newindex = refuse })
  protected[shown] = true
  return shown
end

-- The text of an error begins with a code, and perhaps with the dash that it has on the wire.
local function asError(text)
  if text:sub(1, 1) == '-' then text = text:sub(2) end
  return { err = text:find(' ', 1, true) and text or 'ERR ' .. text }
end

-- An error that is a table reaches a script that catches it as its text.
local function caught(isDone, ...)
  local problem = ...
  if isDone or type(problem) ~= 'table' or type(problem.err) ~= 'string' then return isDone, ... end
  return false, problem.err
end

local function reply(field, make)
  return function(...)
    local text = ...
    if select('#', ...) ~= 1 or type(text) ~= 'string' then return { err = 'ERR wrong number or type of arguments' } end
    return make(text)
  end
end

local function compile(text, name)
  -- What begins like this is compiled already, and could be anything.
  if text:sub(1, 1) == '\\27' then return nil, name .. ': compiled scripts are not taken' end
  return loadText(text, name)
end

local function load(read, name)
  local parts = {}
  for part in read do
    if part == '' then break end
    parts[#parts + 1] = part
  end
  return compile(table.concat(parts), name or '=(load)')
end

local absent = { bit = true, cjson = true, cmsgpack = true, struct = true }
local globals = setmetatable({
  _VERSION = _VERSION, assert = assert, collectgarbage = collectgarbage, error = error, getmetatable = getmetatable,
  ipairs = ipairs, load = load, loadstring = function(text, name) return compile(text, name or text) end, next = next,
  pairs = pairs,
  pcall = function(...) return caught(plainPcall(...)) end, rawequal = rawequal, rawget = rawget,
  rawset = function(given, ...)
    if protected[given] then error(readonlyProblem, 0) end
    return rawset(given, ...)
  end, select = select,
  setmetatable = setmetatable, tonumber = tonumber, tostring = tostring, type = type, unpack = unpack, xpcall = xpcall,
  coroutine = readonly(coroutine), math = readonly(math), string = readonly(string), table = readonly(table),
  redis = readonly({
    call = call, pcall = protectedCall, sha1hex = sha1hex,
    error_reply = reply('err', asError),
    status_reply = reply('ok', function(text) return { ok = text } end),
    log = function() end, LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
    breakpoint = function() return false end, debug = function() end,
    replicate_commands = function() return true end, set_repl = function() end,
    REPL_ALL = 3, REPL_AOF = 1, REPL_SLAVE = 2, REPL_REPLICA = 2, REPL_NONE = 0,
    setresp = function() end, REDIS_VERSION = '7.0.0', REDIS_VERSION_NUM = 0x00070000,
  }),
}, { __index = function(_, name)
  if absent[name] then
    error("the embedded store has no library " .. name .. ": use a Redis (--url), or put redis-server on the PATH", 2)
  end
  error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end })
local visible = readonly(globals)
globals._G = visible

local function explain(problem)
  local level, at = 2, getinfo(2, 'Sl')
  -- What throws stands in C or above; the script's own line is below it.
  while at and (at.source == '=prelude' or level == 2 and at.what == 'C') do
    level = level + 1
    at = getinfo(level, 'Sl')
  end
  local text = type(problem) == 'table' and problem.err or 'ERR ' .. tostring(problem)
  return { text = tostring(text), at = at and at.source .. ':' .. at.currentline }
end

local scripts = {}
-- From here on, whatever is compiled sees this and nothing else.
setfenv(0, visible)
getmetatable('').__metatable = false

return function(sha, source)
  if source == nil then
    scripts[sha] = nil
    return nil
  end
  local script, problem = compile(source, '@user_script')
  scripts[sha] = script
  return problem
end, function(sha, keys, argv)
  globals.KEYS, globals.ARGV = keys, argv
  local isDone, value = xpcall(scripts[sha], explain)
  if isDone then return true, value end
  return false, value.text .. (value.at and ' script: ' .. sha .. ', on ' .. value.at .. '.' or '')
end
`;
