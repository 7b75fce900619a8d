/** Runs the parts of the script in their order: settle, look around, claim, mark. */
export const runLua =
  // A repeated request gets what became of the messages. Whether the first sending claimed nothing is not known, so the drain asks
  // for a claim again.
  `
local function answerAgain()
  quiet = -1
  noteNextDue()
  local state = brakeAfter > 0 and readBrake() or {}
  if state.settled == settleId then settledAs = state.settledAs end
  if state.isOn then nextDueAt = state.endsAt end
end

local function lookAroundAndClaim()
  if isRepeat and not again then return answerAgain() end
  if settled == LOST then return end
  local isHolding, ended = readLeases()
  if again then return claimAgain(again) end

  if isStale then claimed = BUSY end
  local isClaiming = claimId ~= '' and not isStale and (holdsId == '' or isHolding)
  local isFull = not isHolding and othersCount >= maxConcurrency
` +
  // Expired messages go back only where they can be claimed at once; otherwise others could be put back before them.
  `
  local isBack, braked = true, {}
  if #ended > 0 and (isClaiming and not isFull or claimId == '' and settleId == '') then isBack = recover(ended) end
  if inspect then
    local found = call('EXISTS', attempts, delayed, brake, control, control, control, control)
    hasState, hasControl = found % 4 > 0, found >= 4
    if hasState then
      isBack = promote() and isBack
` +
  // Any success lifts the brake.
  `
      if settled == SETTLED and outcomes:find(sets.successes) and not isBrakeSettled then try('DEL', brake)
      elseif brakeAfter > 0 then braked = readBrake() end
    end
    if othersCount == 0 and #ended == 0 and (found == 0 or found == 4) then quiet = 1 + found / 4 end
  end
  if not isClaiming or not isBack then return end
  if isFull then
    claimed, nextDueAt = BUSY, othersUntil
  elseif not mayClaim() then
    return
  elseif braked.isOn then
    claimUnderBrake(braked)
  else
    claim()
  end
end
` +
  // After a refusal in the settle nothing is claimed, and the run ends. Where no message is anywhere, histories and the brake are
  // leftovers and are deleted.
  `
local function main()
  if inspect then takeTime() end
  if settleId ~= '' then settle() end
  if problem ~= '' then
    claimed = FAILED
  else
    lookAroundAndClaim()
  end
  if countRemaining then remaining = try('LLEN', list) or -1 end
  if hasState and #messages == 0 and remaining == 0 and nextDueAt < 0 and call('EXISTS', leases) == 0 then
    try('DEL', attempts, brake)
  end
end

local isDone, failure = pcall(main)
if not isDone then
  if type(failure) ~= 'table' then return { err = 'SPILLWAY ' .. tostring(failure) } end
  if failure.server then return { err = failure.server } end
  note(failure.refusal)
  if #messages == 0 then claimed = FAILED end
end
if hasDeadLetters or #deadLetters > 0 then trimDeadLetters() end
markBusy()
`;
