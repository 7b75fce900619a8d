/** Claims a batch: moves messages from the right end of the list into a working list of their own, under a lease. */
export const claimLua =
  // Whether there are histories, delayed messages or a brake, as far as looked.
  `
local hasState = false
` +
  // The lease comes first: a full server refuses it here, before any message has moved.
  `
local function claim()
  claimed = SERVED
  expiresAt = now + leaseMs
  call('ZADD', leases, expiresAt, claimId)
  local popped = redis.pcall('RPOP', list, countMax)
  calls = calls + 1
  if not popped or popped.err then
    call('ZREM', leases, claimId)
    if popped and popped.err then error(popped.err, 0) end
    remaining = 0
    return
  end
  if #popped < countMax then remaining = 0 end
  local given, moveHistories = {}, nil
  if hasState then given, moveHistories = takeHistories(popped) end
  local count, surplus = fitting(popped, given), {}
  for index, message in ipairs(popped) do
    if index <= count then messages[index] = message else surplus[#surplus + 1] = message end
  end
  if #surplus > 0 then remaining = variadic('RPUSH', list, reversed(surplus)) end
  if count == 0 then
    call('ZREM', leases, claimId)
    return
  end
  variadic('LPUSH', base .. 'working:' .. claimId, messages)
  if moveHistories then moveHistories(count) end
end
` +
  // Returns once more what an earlier sending of this request has claimed.
  `
local function claimAgain(score)
  claimed, expiresAt = SERVED, tonumber(score)
  messages = reversed(call('LRANGE', base .. 'working:' .. claimId, 0, -1))
  local known = call('HGET', attempts, claimId)
  if known then histories = split(known) end
end
` +
  // While the brake is on nothing is claimed, but for one message after each pause: the probe.
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
      call('HSET', brake, 'probe', claimId, 'until', string.format('%.0f', now + pauseAfter(braked.pauses)))
    end
  end
end
`;
