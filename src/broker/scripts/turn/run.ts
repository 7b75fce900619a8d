/** The script's way through its parts: settle, look around, claim, mark. */
export const runLua =
  `
local function lookAroundAndClaim()
  local isHolding, expired = readLeases()
  if again then return claimAgain(again) end
  if isRepeat and claimId ~= '' then claimed = SERVED end
  if isRepeat or settled == LOST then return end

  local braked = {}
  if inspect then
    if #expired > 0 and not recover(expired) then return end
    hasState = call('EXISTS', attempts, delayed, brake) > 0
    if hasState then
      promote()
` +
  // Any success lifts the brake.
  `
      if settled == SETTLED and outcomes:find(sets.successes) and not isBrakeSettled then call('DEL', brake)
      elseif brakeAfter > 0 then braked = readBrake() end
    end
    if othersCount == 0 and #expired == 0 and not hasState then isQuiet = 1 end
  end
  if claimId == '' or (holdsId ~= '' and not isHolding) then return end
  if not isHolding and othersCount >= maxConcurrency then
    claimed = BUSY
  elseif braked.isOn then
    claimUnderBrake(braked)
  else
    claim()
  end
end
` +
  // A settle that is refused ends the script with its error. What is refused after it is returned as the problem, for
  // the settle is done. With no message anywhere, histories and brake can only be remains.
  `
if settleId ~= '' then settle() end
local isDone, failure = pcall(function()
  lookAroundAndClaim()
  if countRemaining then remaining = call('LLEN', list) end
  if hasState and #messages == 0 and remaining == 0 and nextDueAt < 0 and call('EXISTS', leases) == 0 then
    call('DEL', attempts, brake)
  end
end)
if not isDone then
  claimed, messages, histories = FAILED, {}, {}
  problem = type(failure) == 'table' and failure.err or tostring(failure)
end
markBusy()
`;
