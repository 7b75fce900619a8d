/**
 * Effects: commands of the user's that run where their message is acknowledged, and nowhere else. A message of which one
 * is refused is kept: its drain is told, and settles it as failed.
 */

/**
 * How a request brings them. A detail holds of each command `<count of words>;` and the words: `<bytes>:<word>`, or for a
 * key `k<n>;`, the nth of those at the end of KEYS, and `k<n><type>;` where what is there must be of this type.
 */
export const effectsRequest = {
  numbers: ", effectKeyCount, placeOffset",
  numberCount: 2,
  functions: `
local effects = {}

local function readEffects(detail, at)
  local commands, place = {}, 1
  while place <= #detail and not wrong do
    local count, from = detail:match('^(%d+);()', place)
    count = tonumber(count)
    check(count and count >= 2 and count <= 6000, at)
    local command = { wants = {} }
    for _ = 1, wrong and 0 or count do
      local length, first = detail:match('^(%d+):()', from)
      local number, kind, after = detail:match('^k(%d+)(%l*);()', from)
      number = tonumber(number or 0)
      local key = number >= 1 and number <= effectKeyCount and KEYS[#KEYS - effectKeyCount + number]
      if length then after = first + length end
      check((length or key) and after <= #detail + 1, at)
      if wrong then return end
      if key and kind ~= '' then command.wants[#command.wants + 1] = { key, kind } end
      command[#command + 1] = key or detail:sub(first, after - 1)
      from = after
    end
    commands[#commands + 1], place = command, from
  end
  check(#commands > 0, at)
  return commands
end

`,
  detail: "elseif code:find(sets.effects) then\n    effects[detail] = readEffects(detail, at)\n  ",
  keyCount: " + (effectKeyCount or 0)",
};

export const effectsLua =
  `
local haveEffectsRun, refusals, refused, typesKnown = false, {}, '', {}
reads.TYPE = 1

local function refuse(refusal, places)
  if not refusals[refusal] then
    refusals[refusal] = {}
    refusals[#refusals + 1] = refusal
  end
  for _, place in ipairs(places) do table.insert(refusals[refusal], place) end
end
` +
  // What Redis would refuse of the second command of a message comes too late for the first one, so types are looked at
  // before. A single command needs no look: one that is refused changes nothing.
  `
local function mistyped(commands)
  for _, command in ipairs(commands) do
    for _, wanted in ipairs(command.wants) do
      local key, kind = unpack(wanted)
      if typesKnown[key] ~= kind then
        local found, refusal = run('TYPE', key)
        if refusal then return refusal end
        found = found.ok or found
        if found ~= kind and found ~= 'none' then
          return command[1] .. ' ' .. key .. '\\nWRONGTYPE Operation against a key holding the wrong kind of value'
        end
        typesKnown[key] = kind
      end
    end
  end
end

local function runInTurn(commands, place)
  local refusal = #commands > 1 and mistyped(commands)
  for at = 1, refusal and 0 or #commands do
    if #commands == 1 or #commands[at].wants == 0 then typesKnown = {} end
    local _, why = run(unpack(commands[at]))
    refusal = why
    if refusal then break end
  end
  if refusal then refuse(refusal, { place }) end
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
    if refusal then refuse(refusal, onward.places) end
  end
  pushes, pushOf, typesKnown = {}, {}, {}
end
` +
  // A request that is sent again is to find out whose effects were refused.
  `
local function keepRefused()
  local decided, texts = {}, {}
  for place = 1, #outcomes do decided[place] = outcomes:sub(place, place) end
  for index, refusal in ipairs(refusals) do
    for _, place in ipairs(refusals[refusal]) do decided[place] = codes.keep end
    local text = table.concat(refusals[refusal], ',') .. ' ' .. refusal
    texts[index] = #text .. ':' .. text
  end
  outcomes, refused = table.concat(decided), table.concat(texts)
  try('HSET', attempts, settleId .. ':refused', refused)
end
` +
  // When the effects have run the messages must go. So a command that changes nothing first shows that they may.
  `
local function runEffects()
  if placeOffset > 0 then try('HDEL', attempts, settleId .. ':refused') end
  if haveEffectsRun or not outcomes:find(sets.effects) then return end
  haveEffectsRun = true
  call('LTRIM', settleWorking, 0, -1)
  isWritten = false
  for place = 1, #outcomes do
    local commands = outcomes:find(sets.effects, place) == place and effects[details[place]]
    if commands and #commands == 1 and commands[1][1] == 'LPUSH' then
      addPush(commands[1], place)
    elseif commands then
      runPushes()
      runInTurn(commands, place)
    end
  end
  runPushes()
  if #refusals > 0 then keepRefused() end
end
`;

/** Where a settle runs them. */
export const effectsSettle = {
  first: "runEffects()\n  ",
  place: " + placeOffset",
  // A working list is there for exactly as long as its batch is neither settled nor recovered, and each settle shortens
  // it: its length is the fence.
  functions: `
local function settleWithEffects()
  local count = call('LLEN', settleWorking)
  if count ~= #outcomes then
    isRepeat = count > 0
    return isRepeat
  end
  runEffects()
  if refused == '' then
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
  ways: "elseif not outcomes:find('[^ae]') then\n      isHeld = settleWithEffects()\n    ",
  repeated: `  if isRepeat and outcomes:find(sets.effects) and refused == '' then
    refused = try('HGET', attempts, settleId .. ':refused') or ''
  end
`,
};
