import { refusedEffect } from "../../../errors.ts";
/**
 * Effects: the user's commands that run in the step in which their message is acknowledged, and only there. Where one is refused,
 * its message fails, as its detail says.
 */

/**
 * Their form in a request. For each message: `<its place>;`, then what becomes of it where an effect is refused, `f<delay, ms>;` or
 * `x;`, then its commands. For each command: `<count of words>;` and the words. A word is `<bytes>:<word>` or, for a key, `k<n>;`,
 * the nth of those at the end of KEYS, or `k<n><type>;` where the key must have this type.
 */
export const effectsRequest = {
  numbers: ", effectKeyCount, effectCount",
  numberCount: 2,
  // In a block, because Lua allows 200 locals and the script for orders has nearly as many.
  read: `
local effects, unlessRefused = {}, {}

do
local function readCommand(text, from, at)
  local count, after = text:match('^(%d+);()', from)
  count = tonumber(count)
  check(count and count >= 2 and count <= 6000, at)
  local command = { wants = {} }
  for _ = 1, wrong and 0 or count do
    local length, first = text:match('^(%d+):()', after)
    local number, kind, behind = text:match('^k(%d+)(%l*);()', after)
    number = tonumber(number or 0)
    local key = number >= 1 and number <= effectKeyCount and KEYS[#KEYS - effectKeyCount + number]
    if length then behind = first + length end
    check((length or key) and behind <= #text + 1, at)
    if wrong then return end
    if key and kind ~= '' then command.wants[#command.wants + 1] = { key, kind } end
    command[#command + 1] = key or text:sub(first, behind - 1)
    after = behind
  end
  return command, after
end

local function readEffects(text, at)
  local place, otherwise, delay, from = text:match('^(%d+);([fx])(%d*);()')
  place = tonumber(place)
  check(place and outcomes:sub(place, place):find('[ac]') and (otherwise == 'f') == (delay ~= ''), at)
  if otherwise == 'f' then wholeNumber(delay, at) end
  local commands = {}
  while not wrong and from <= #text do commands[#commands + 1], from = readCommand(text, from, at) end
  check(#commands > 0, at)
  if not wrong then effects[place], unlessRefused[place] = commands, { otherwise, delay } end
end

for _ = 1, effectCount or 0 do
  argumentAt = argumentAt + 1
  readEffects(ARGV[argumentAt] or '', argumentAt)
end
end
`,
  keyCount: " + (effectKeyCount or 0)",
};

export const effectsLua =
  `
local haveEffectsRun, typesKnown, refusals, refused, failedThere = false, {}, {}, {}, {}
reads.TYPE = 1
` +
  // From here on these messages count as failed.
  `
local function refuse(name, key, refusal, places)
  local what = (name .. ' ' .. key:sub(1, 100)):gsub('[%c"\\\\]', '?')
  local said = refusal:sub(#name + #key + 3, 2000)
  what = what .. ' (' .. (said:match('%f[%u]%u%u+') or 'ERR') .. ')'
  local text = what .. '\\n' .. said
  if not refusals[text] then
    refusals[text] = {}
    refused[#refused + 1] = text
  end
  for _, place in ipairs(places) do
    table.insert(refusals[text], place)
    local otherwise, delay = unpack(unlessRefused[place])
    failedThere[place] = otherwise
    details[place] = otherwise == codes.failed and delay
      or '"reason":"exhausted","error":{"name":"EffectError","message":"${refusedEffect}' .. what .. '"}}'
  end
end
` +
  // If Redis refused the second command of a message, the first one would have run. So the types of keys are checked before. A
  // single command needs no check, since a refused one changes nothing.
  `
local function isMistyped(commands, places)
  for _, command in ipairs(commands) do
    for _, wanted in ipairs(command.wants) do
      local key, kind = unpack(wanted)
      if typesKnown[key] ~= kind then
        local found, refusal = run('TYPE', key)
        if refusal then
          refuse('TYPE', key, refusal, places)
          return true
        end
        found = found.ok or found
        if found ~= kind and found ~= 'none' then
          local said = 'WRONGTYPE Operation against a key holding the wrong kind of value'
          refuse(command[1], key, command[1] .. ' ' .. key .. '\\n' .. said, places)
          return true
        end
        typesKnown[key] = kind
      end
    end
  end
end

local function runInTurn(commands, places)
  if #commands > 1 and isMistyped(commands, places) then return end
  for _, command in ipairs(commands) do
    if #commands == 1 or #command.wants == 0 then typesKnown = {} end
    local _, refusal = run(unpack(command))
    if refusal then return refuse(command[1], command[2], refusal, places) end
  end
end
` +
  // Pushes to the same list are joined to one command.
  `
local pushes, pushOf = {}, {}

local function addPush(command, place)
  local key = command[2]
  local onward = pushOf[key]
  if not onward or #onward + #command > CHUNK then
    onward = { 'LPUSH', key, places = {} }
    pushOf[key], pushes[#pushes + 1] = onward, onward
  end
  for at = 3, #command do onward[#onward + 1] = command[at] end
  table.insert(onward.places, place)
end

local function runPushes()
  for _, onward in ipairs(pushes) do
    local _, refusal = run(unpack(onward))
    if refusal then refuse('LPUSH', onward[2], refusal, onward.places) end
  end
  pushes, pushOf, typesKnown = {}, {}, {}
end
` +
  // Once the effects have run, the messages must go. So one of the two commands that remove them first shows, where it changes
  // nothing, that they can.
  `
local function runEffects()
  if haveEffectsRun or (effectCount or 0) == 0 then return end
  haveEffectsRun = true
  if not (try('LTRIM', settleWorking, 0, -1) or call('EXISTS', settleDone) == 0 and call('DEL', settleDone)) then
    error({ refusal = problem }, 0)
  end
  isWritten = false
  for place = 1, #outcomes do
    local commands = effects[place]
    if commands and #commands == 1 and commands[1][1] == 'LPUSH' then
      addPush(commands[1], place)
    elseif commands then
      runPushes()
      runInTurn(commands, { place })
    end
  end
  runPushes()
  outcomes = outcomes:gsub('().', failedThere)
  for index, text in ipairs(refused) do refused[index] = table.concat(refusals[text], ',') .. '\\n' .. text end
end
` +
  // A repeated request must hear which messages failed: the batch's hash keeps it for as long as a repeat can come.
  `
local function keepRefused()
  if #refused == 0 then return end
  run('HSET', settleDone, 'refused', settledAs .. '\\0' .. table.concat(refused, '\\0'))
  if run('PTTL', settleDone) ~= -1 then return end
  if not run('PEXPIRE', settleDone, settleExpiresAt - now + leaseMs) then run('DEL', settleDone) end
end

local function recallRefused()
  local kept = (effectCount or 0) > 0 and run('HGET', settleDone, 'refused') or ''
  for text in kept:gmatch('%Z+') do refused[#refused + 1] = text end
  local as = table.remove(refused, 1) or ''
  if #as == #outcomes then settledAs = as else refused = {} end
end
`;

/** Where a settle runs the effects. */
export const effectsSettle = {
  first: "runEffects()\n  ",
  // A working list exists exactly until its batch is settled or recovered, and each settle shortens it: so its length shows
  // whether the batch is still this drain's.
  functions: `
local function settleWithEffects()
  local count = try('LLEN', settleWorking) or #call('LRANGE', settleWorking, 0, -1)
  if count ~= #outcomes then
    isRepeat = count > 0
    return isRepeat
  end
  runEffects()
  if #refused == 0 then
    remove(settleWorking, settleDone)
    try('ZREM', leases, settleId)
  else
    takeTime()
    inspect = true
    settlePartly()
  end
  return true
end
`,
  ways: "elseif not outcomes:find('[^a]') then\n      isHeld = settleWithEffects()\n    ",
  last: "  keepRefused()\n",
  again: "    if isRepeat then recallRefused() end\n",
};
