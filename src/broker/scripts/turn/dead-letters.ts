/** The form of a dead letter, which `dead-letter.ts` reads in TypeScript, and how many are kept and for how long. */
export const deadLettersLua =
  `
local function deadLetter(id, at, history, tail, payload)
  local count, _, _, first = readHistory(history)
  return string.format('{"id":"%s.%d","attempts":%d,"firstFailedAt":%s,"lastFailedAt":%.0f,', id, at, count, first, now)
    .. tail .. '\\n' .. payload
end
` +
  // Runs last, when nothing needs to be undone any more.
  `
local function trimDeadLetters()
  if deadCountMax > 0 then try('LTRIM', dead, 0, deadCountMax - 1) end
  if deadAgeMsMax == 0 then return end
  for _ = 1, promoteMax do
    local oldest = try('LINDEX', dead, -1)
    local diedAt = oldest and tonumber(oldest:match('"lastFailedAt":(%d+)'))
    if not diedAt or now - diedAt <= deadAgeMsMax or not try('RPOP', dead) then return end
  end
end
`;
