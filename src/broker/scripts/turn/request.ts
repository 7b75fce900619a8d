/** The only Lua that reads KEYS and ARGV; `turn-request.ts` is the only TypeScript that writes them. */
export const requestLua =
  `
local list, leases, attempts, delayed, dead, brake, busy = unpack(KEYS)
local base, settleId, settleExpiresAt, outcomes = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local claimId, holder, holdsId, leaseMs = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
local countMax, bytesMax, maxConcurrency = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local inspect, recoverMax, promoteMax = ARGV[12] == '1', tonumber(ARGV[13]), tonumber(ARGV[14])
local countRemaining = ARGV[15] == '1'
if settleId == '' then inspect = true end

local policy = {}
for number in ARGV[16]:gmatch('%d+') do policy[#policy + 1] = tonumber(number) end
local maxAttempts, deadCountMax, deadAgeMsMax, brakeAfter, brakePauseMs, brakePauseMsMax, brakeMsMax, heldMax, batchSize,
  marksBusy, busyUntil = unpack(policy)
marksBusy, busyUntil = marksBusy or 0, busyUntil or 0
` +
  // The details, each at its message's place.
  `
local details = {}
if outcomes:find(sets.detailed) then
  local position = 16
  for index = 1, #outcomes do
    if outcomes:sub(index, index):find(sets.detailed) then
      position = position + 1
      details[index] = ARGV[position]
    end
  end
end
`;
