import { refusedEffect } from "../../../errors.ts";
/**
 * Effects: commands of the user's that run where their message is acknowledged, and nowhere else. A message of which one
 * is refused fails, as its detail says.
 */

/**
 * How a request brings them: of each message `<its place>;`, what becomes of it where one is refused, `f<delay, ms>;` or
 * `x;`, and of each command `<count of words>;` and the words: `<bytes>:<word>`, or for a key `k<n>;`, the nth of those at
 * the end of KEYS, and `k<n><type>;` where what is there must be of this type.
 */
export const effectsRequest = {
  numbers: ", effectKeyCount, effectCount",
  numberCount: 2,
  // In a block, for Lua allows 200 locals and the script for orders has nearly as many.
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
  // From here on these messages are such as have failed.
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
  // What Redis would refuse of the second command of a message comes too late for the first one, so types are looked at
  // before. A single command needs no look: one that is refused changes nothing.
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
  // Messages that only go on to a list do so together.
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
  // When the effects have run the messages must go. So a command that changes nothing first shows that they may.
  `
local function runEffects()
  if haveEffectsRun or (effectCount or 0) == 0 then return end
  haveEffectsRun = true
  call('LTRIM', settleWorking, 0, -1)
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
  // Whoever asks again is to hear that some have failed: the batch's hash keeps it, for as long as it can be asked.
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

/** Where a settle runs them. */
export const effectsSettle = {
  first: "runEffects()\n  ",
  // A working list is there for exactly as long as its batch is neither settled nor recovered, and each settle shortens
  // it: its length is the fence.
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
