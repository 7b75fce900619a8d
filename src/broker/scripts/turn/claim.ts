/** Claims a batch: moves messages from the right end of the list into a working list of their own, under a lease. */
export const claimLua =
  // Whether there are histories, delayed messages or a brake, as far as the script has looked; and the number of this claim, 0 where
  // a drain is to be alone: then the number of the batch tells its age.
  `
local hasState, sequence = false, 0

local function lease()
  takeTime()
  expiresAt = now + leaseMs
  call('ZADD', leases, string.format('%.4f', expiresAt + sequence / 2048), claimId)
  undo('ZREM', leases, claimId)
end
` +
  // After a settle the lease is written last, since most runs end with a claim that finds nothing. Without a settle it is written
  // first, so that a full server refuses it before any message has moved.
  `
local function claimBatch()
  if settled ~= SETTLED then lease() end
  local popped = popFitting()
  if #popped == 0 then
    if expiresAt > 0 then try('ZREM', leases, claimId) end
    return
  end
  if expiresAt == 0 then lease() end
  local given, moveHistories = {}, nil
  if hasState then given, moveHistories = takeHistories(popped) end
  local count, surplus, fitted = fitting(popped, given), {}, {}
  for index, message in ipairs(popped) do
    if index <= count then fitted[index] = message else surplus[#surplus + 1] = message end
  end
  if count == 0 then
    remaining = putBack(popped)
    try('ZREM', leases, claimId)
    return
  end
  variadic('LPUSH', claimWorking, fitted)
  undo('DEL', claimWorking)
  if moveHistories then moveHistories(count) end
  if spend then spend(count) end
  if #surplus > 0 then remaining = putBack(surplus) end
  messages = fitted
end

local function claim()
  claimed = SERVED
  if step(claimBatch) then return end
  claimed, histories, expiresAt, remaining = FAILED, {}, 0, -1
end
` +
  // Returns again what an earlier sending of this request has claimed.
  `
local function claimAgain(score)
  claimed, expiresAt, quiet = SERVED, math.floor(score), -1
  messages = reversed(call('LRANGE', claimWorking, 0, -1))
  local known = call('HGET', attempts, claimId)
  if known then histories = split(known) end
end
` +
  // While the brake is on, nothing is claimed except one message after each pause: the probe.
  `
local function claimUnderBrake(braked)
  if call('EXISTS', list) == 0 then
    claimed, remaining = SERVED, 0
  elseif now < braked.endsAt then
    claimed, nextDueAt = BRAKED, braked.endsAt
  else
    countMax = 1
    claim()
    if #messages > 0 then
      try('HSET', brake, 'probe', claimId, 'until', string.format('%.0f', now + pauseAfter(braked.pauses)))
    end
  end
end
`;
