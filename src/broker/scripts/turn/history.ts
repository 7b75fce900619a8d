/** The form of a message's history, which `history.ts` knows in TypeScript. */
export const historyLua =
  `
local function readHistory(history)
  local count, crashes, held, first = history:match('^(%d+)%.(%d+)%.(%d+)@(%d+)$')
  return tonumber(count or 0), tonumber(crashes or 0), tonumber(held or 0), first or string.format('%.0f', now)
end
` +
  // The history after one more attempt, one more crash, one more time held back.
  `
local function addTo(history, moreCount, moreCrashes, moreHeld)
  local count, crashes, held, first = readHistory(history)
  return string.format('%d.%d.%d@%s', count + moreCount, crashes + moreCrashes, held + moreHeld, first)
end
` +
  // Splits joined histories, with the empty ones.
  `
local function split(joined)
  local fields = {}
  for field in (joined .. ','):gmatch('([^,]*),') do fields[#fields + 1] = field end
  return fields
end
` +
  // How a member of the delayed set holds its history, and how that is read.
  `
local function delayedMember(index, history, message)
  return string.format('%06d.%05d.%s!%s:', time[2], index, settleId, history) .. message
end

local function readDelayed(member)
  local colon = member:find(':', 1, true) or 0
  return member:sub(colon + 1), member:sub(1, colon - 1):match('!(%d+%.%d+%.%d+@%d+)$') or ''
end
`;
