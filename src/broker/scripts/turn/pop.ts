/**
 * Pops what makes one batch: about as many bytes as it may have and one message more. No command tells sizes without
 * reading, so that how much is popped at once follows from what was seen: the largest message of the drain's last batch,
 * then the largest of the last pop, and the one at the far end of what is wanted. Not even that shows what lies between,
 * so no pop takes more than 50. A claim of 20 or fewer is not worth the look.
 */
export const popLua =
  // Puts popped messages back to the right end, in their order. Where that is refused, the other end is better than nowhere,
  // and so is the delayed set: who may push nothing may still lease.
  // Returns how many messages the list then holds, -1 where that is not known.
  `
local function putBack(popped)
  local values, length = reversed(popped), -1
  for first = 1, #values, CHUNK do
    local last = math.min(first + CHUNK - 1, #values)
    local chunk = { unpack(values, first, last) }
    length = try('RPUSH', list, unpack(chunk)) or try('LPUSH', list, unpack(reversed(chunk))) or -1
    for index = 1, length < 0 and #chunk or 0 do
      try('ZADD', delayed, now, string.format('%06d', #values + 2 - first - index) .. claimId .. ':' .. chunk[index])
    end
  end
  return length
end
` +
  // Returns the popped messages; whatever is refused after it in the same step puts them back.
  `
local function popFitting()
  local popped, bytes, largest, far = {}, 0, sizeHint, nil
  undos[#undos + 1] = function() putBack(popped) end
  while #popped < countMax do
    local fits = largest == 0 and 2 or math.floor((bytesMax - bytes) / largest)
    if fits < 1 and #popped > 0 then break end
    fits = math.min(fits, countMax - #popped)
    if fits > 2 and countMax > 20 and not far then
      local message = call('LINDEX', list, -fits) or call('LINDEX', list, 0)
      if message then
        far = math.max(1, #message)
        fits = math.min(fits, math.floor((bytesMax - bytes) / far))
      else
        fits = 1
      end
    end
    local wanted = math.max(1, math.min(fits, 50))
    local chunk = call('RPOP', list, wanted) or {}
    largest = far or 1
    for _, message in ipairs(chunk) do
      popped[#popped + 1] = message
      bytes = bytes + #message
      largest = math.max(largest, #message)
    end
    if #chunk < wanted then
      remaining = 0
      break
    end
  end
  return popped
end
`;
