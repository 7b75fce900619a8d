import { recoverLua } from "../turn/recover.ts";
import { makeSettleLua } from "../turn/settle.ts";
import { effectsSettle } from "../turn-full/effects.ts";
import { patched, sealed } from "./patched.ts";

/**
 * Messages that failed or are given back stay before those that came after them: in strict order at the right end of the list,
 * which is held until the delay is over; by key in front of their line. Where keys keep no order, failed messages are delayed as
 * without keys.
 */
const waysBackLua = `
local settling, delays = {}, {}

local function isInLine(index)
  return mode == 's' or (settling[index] or NO_KEY) ~= NO_KEY
end

local function isReturning(decided, index)
  local code = decided[index]
  return code == codes.release or code == codes.held or delays[index] and code ~= codes.keep
end

local function goesToList(decided, index)
  return isReturning(decided, index) and (mode == 's' or not isInLine(index))
end

local function historyOnReturn(decided, index, history)
  if delays[index] then return addTo(history, 1, 0, 0) end
  return decided[index] == codes.held and addTo(history, 0, 0, 1) or history
end

local function holdList(decided)
  for index, untilMs in pairs(delays) do
    if decided[index] ~= codes.keep and untilMs > now then
      try('SET', held, '', 'PX', string.format('%.0f', untilMs - now))
    end
  end
end

local function returnToLines(decided, batch, known)
  if mode == 's' then return holdList(decided) end
  if #settling == 0 then return end
  local entries, indexes, dues, kept = {}, {}, {}, {}
  for index, message in ipairs(batch) do
    if isInLine(index) and isReturning(decided, index) then
      entries[#entries + 1] = { settling[index], historyOnReturn(decided, index, known[index] or ''), message }
      indexes[#indexes + 1] = index
    end
  end
  if #entries > 0 then
    send(decided, indexes, 'ZADD', parked, scored(membersInFront(entries)), function(_, chunk)
      local members = {}
      for index = 2, #chunk, 2 do members[#members + 1] = chunk[index] end
      return 'ZREM', parked, unpack(members)
    end)
  end
  for index, key in ipairs(settling) do
    if decided[index] == codes.keep then
      kept[#kept + 1] = key
    elseif isReturning(decided, index) then
      dues[key] = math.max(dues[key] or now, delays[index] or now)
    end
  end
  freeKeys(settleId, settling, dues, kept, true)
end

local function freeWholly()
  if mode ~= 'k' then return end
  local mayWait = ARGV[12] == '1'
  if mayWait then takeTime() end
  freeKeys(settleId, keysIn(settleKeys ~= '' and settleKeys or call('HMGET', lines, settleId)[1]), {}, {}, mayWait)
end
`;

const stateLua = "\nlocal isRepeat, again, hasDeadLetters = false, false, false\n";

export const settleInOrderLua =
  stateLua +
  sealed(
    patched(
      makeSettleLua(effectsSettle),
      ["local function settlePartly()", `${waysBackLua}\nlocal function settlePartly()`],
      [
        "  local considered, writeBrake",
        "  settling = keysOf(settleId, #batch)\n  local considered, writeBrake",
      ],
      [
        "    if code == codes.failed or code == codes.waits then\n",
        `    if (code == codes.failed or code == codes.waits) and isInLine(index) and not isLoose then
      delays[index] = now + tonumber(given)
    elseif code == codes.failed or code == codes.waits then\n`,
      ],
      [
        "if decided[index] == codes.release or decided[index] == codes.held then",
        "if goesToList(decided, index) then",
      ],
      ["  local kept, keptHistories", "  returnToLines(decided, batch, known)\n  local kept, keptHistories"],
      [
        "      if code == codes.release or code == codes.held then",
        "      if goesToList(decided, index) then",
      ],
      [
        "code == codes.held and addTo(history, 0, 0, 1) or history",
        "historyOnReturn(decided, index, history)",
      ],
      ["settleId)\n  remove(settleWorking)\n", "settleId)\n  freeWholly()\n  remove(settleWorking)\n"],
      ["  if #refused == 0 then\n", "  if #refused == 0 then\n    freeWholly()\n"],
      [stateLua, "\n"],
    ),
    ["settle"],
  );

/**
 * Messages of ended leases go back to the front of their lines, and those without a key to the list. Of a line it is only known
 * that its first message had begun. So behind a message that goes back, none becomes a dead letter: it would overtake that message.
 */
const recoverLinesLua = `
local function isSpent(history, line, isBackOf)
  if readHistory(history) < maxAttempts or isBackOf[line] then
    if line ~= NO_KEY then isBackOf[line] = true end
    return false
  end
  return true
end

local function spared(history, before)
  return readHistory(history) < maxAttempts and history or before or ''
end

local function recoverLines(id, keys, entries)
  if #keys == 0 then return end
  if #entries > 0 then park(membersInFront(entries)) end
  local mine, times = {}, {}
  for _, entry in ipairs(entries) do
    times[#times + 1] = now
    times[#times + 1] = entry[1]
  end
  variadic('ZADD', due, times)
  for index, holder in ipairs(askEach('HMGET', lines, keys)) do mine[index] = holder == id and keys[index] or NO_KEY end
  freeKeys(id, mine, {}, {}, true)
  recovered = recovered + #entries
end
`;

export const recoverInOrderLua = sealed(
  recoverLinesLua +
    patched(
      recoverLua,
      [
        "  local back, backHistories, deadEntries = {}, {}, {}\n",
        "  local back, backHistories, deadEntries, keys, entries, isBackOf = {}, {}, {}, keysOf(id, #batch), {}, {}\n",
      ],
      [
        "readHistory(history) >= maxAttempts then",
        "isSpent(history, mode == 's' and mode or keys[index] or NO_KEY, isBackOf) then",
      ],
      [
        "    else\n      back[#back + 1] = message\n      backHistories[#backHistories + 1] = history\n",
        `    elseif (keys[index] or NO_KEY) ~= NO_KEY then
      entries[#entries + 1] = { keys[index], spared(history, known[index]), message }
    else
      back[#back + 1] = message
      backHistories[#backHistories + 1] = spared(history, known[index])\n`,
      ],
      [
        "  push('LPUSH', dead, deadEntries)\n",
        "  push('LPUSH', dead, deadEntries)\n  recoverLines(id, keys, entries)\n",
      ],
    ),
  ["recover"],
);
