/** What `turnFull` reads in addition; empty for the lean script. */
interface More {
  /** Names of more numbers of the policy, each after a comma, and how many they are. */
  readonly numbers: string;
  readonly numberCount: number;
  /** Reads more arguments, those after the details. */
  readonly read: string;
  /** More keys, as ` + <number>`. */
  readonly keyCount: string;
}

/**
 * The only Lua that reads KEYS and ARGV; `turn-request.ts` is the only TypeScript that writes them. An argument that cannot be read
 * ends the script before its first write, and `wrong` says which one it was.
 */
export const makeRequestLua = (more: More): string =>
  `
local list, leases, attempts, delayed, dead, brake, busy, control = unpack(KEYS, 1, 8)
local wrong

local function check(isRight, at)
  if not isRight and not wrong then wrong = 'SPILLWAY cannot read argument ' .. at end
end

local function wholeNumber(text, at)
  local value = text and text:find('^%d+$') and tonumber(text)
  check(value and value <= 2 ^ 53, at)
  return value or 0
end

local function numberAt(at) return wholeNumber(ARGV[at], at) end

local function idAt(at, form)
  local id = ARGV[at] or ''
  check(id == '' or id:find(form), at)
  return id
end

local recoverCount, settleId, settleExpiresAt, outcomes = numberAt(1), idAt(2, '^[%w_-]+%.%d+$'), numberAt(3), ARGV[4] or ''
local claimId, holder, holdsId = idAt(5, '^[%w_-]+%.%d+$'), idAt(6, '^[%w_-]+$'), idAt(7, '^[%w_-]+%.%d+$')
local leaseMs, countMax, bytesMax, maxConcurrency = numberAt(8), numberAt(9), numberAt(10), numberAt(11)
local inspect, recoverMax, promoteMax, countRemaining = numberAt(12) == 1, numberAt(13), numberAt(14), numberAt(15) == 1
if settleId == '' then inspect = true end

local policy = {}
for number in (ARGV[16] or ''):gmatch('[^,]+') do policy[#policy + 1] = wholeNumber(number, 16) end
check(#policy == ${15 + more.numberCount}, 16)
local maxAttempts, deadCountMax, deadAgeMsMax, brakeAfter, brakePauseMs, brakePauseMsMax, brakeMsMax, heldMax, batchSize,
  marksBusy, busyUntil, leaseMsMax, recoverLeasesMax, mayHaveRun, sizeHint${more.numbers} = unpack(policy)
` +
  // The details, each at its message's place.
  `
local details, argumentAt = {}, 16
local isAckedOnly = outcomes == codes.ackAll
check(isAckedOnly or outcomes == codes.releaseAll or not outcomes:find(sets.unknown), 4)
check((settleId == '') == (outcomes == ''), 4)

local function checkDetail(code, detail, at)
  if code == codes.overloaded then
    local untilMs, otherwise, rest = detail:match('^(%d+) (%a) (.*)$')
    wholeNumber(untilMs, at)
    check(otherwise and otherwise ~= code and otherwise:find(sets.detailed), at)
    if not wrong then checkDetail(otherwise, rest, at) end
  elseif code == codes.failed or code == codes.waits then
    wholeNumber(detail, at)
  else
    check(detail:find('^"[^\\n]*}$'), at)
  end
end

if outcomes:find(sets.detailed) then
  for index = 1, #outcomes do
    local code = outcomes:sub(index, index)
    if code:find(sets.detailed) then
      argumentAt = argumentAt + 1
      details[index] = ARGV[argumentAt] or ''
      checkDetail(code, details[index], argumentAt)
    end
  end
end
${more.read}check(#ARGV == argumentAt + recoverCount, #ARGV)
` +
  // The keys of the batches that the request names.
  `
local keyAt = 8
local function nextKey()
  keyAt = keyAt + 1
  return KEYS[keyAt]
end

local settleWorking, settleDone, claimWorking, recoverKeys
if settleId ~= '' then settleWorking, settleDone = nextKey(), not isAckedOnly and nextKey() end
if claimId ~= '' then claimWorking = nextKey() end
if claimId ~= '' and settleId == '' then nextKey() end
recoverKeys = {}
for at = argumentAt + 1, math.min(#ARGV, argumentAt + recoverCount) do recoverKeys[ARGV[at]] = { nextKey(), nextKey() } end
check(#KEYS == keyAt${more.keyCount}, 1)
if wrong then return { err = wrong } end
`;

export const requestLua: string = makeRequestLua({ numbers: "", numberCount: 0, read: "", keyCount: "" });
