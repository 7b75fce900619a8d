/**
 * Which messages may share a batch. Messages that were in crashes are claimed apart from others, and with each crash in smaller
 * batches, so that the one that causes them is soon alone.
 */
export const companyLua =
  // How large the batch of a message may be: a tenth for each crash, and one message at its last attempt. Infinite for a message
  // without crashes.
  `
local function companyOf(history)
  local count, crashes = readHistory(history)
  if crashes == 0 then return math.huge end
  if count >= maxAttempts - 1 then return 1 end
  return math.max(1, math.floor(batchSize / 10 ^ crashes))
end
` +
  // How many of the popped messages make one batch: as many as the bytes allow, and never messages with crashes beside others.
  `
local function fitting(popped, given)
  local bytes, company = 0, companyOf(given[1] or '')
  if company < math.huge and holdsId ~= '' then return 0 end
  for index, message in ipairs(popped) do
    bytes = bytes + #message
    local allowed = companyOf(given[index] or '')
    if index > 1 and (bytes > bytesMax or (allowed == math.huge) ~= (company == math.huge)) then return index - 1 end
    company = math.min(company, allowed)
    if index > company then return index - 1 end
  end
  return #popped
end
`;
