/**
 * Pops what makes one batch: about as many bytes as it may have and one message more. No command tells sizes without
 * reading, and reading many large messages at once is what blocks Redis. So how many one pop takes follows from the
 * largest message seen: in the drain's last batches, in this one, and where the batch after this one would end, at which
 * every second claim looks. That shows a list whose messages grow, and not what lies between, so no pop takes more than
 * 34, nor more than twice what is popped where nothing was seen before. Where the largest would not fit, messages are
 * popped one by one for as long as another like the last one fits. A claim of 20 or fewer is not worth the look.
 */
export const popLua =
  // How many to read at once where so many were read, and so many bytes more may be.
  `
local function readable(count, room, expected)
  return math.min(34, math.floor(room / math.max(1, expected)), sizeHint > 0 and 34 or math.max(2, 2 * count))
end
` +
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
  local popped, bytes, expected, last = {}, 0, sizeHint, 0
  local looks = countMax > 20 and (sizeHint == 0 or claimId:find('[02468]$'))
  undos[#undos + 1] = function() putBack(popped) end
  while #popped < countMax do
    local room = bytesMax - bytes
    local wanted = countMax - #popped
    local fits = math.min(wanted, math.floor(room / math.max(1, expected)))
    if looks and #popped + sizeHint > 0 and fits > 2 then
      looks = false
      largest = math.max(largest, #(call('LINDEX', list, -2 * fits) or call('LINDEX', list, 0) or ''))
      expected = math.max(expected, largest)
    end
    fits = math.min(wanted, readable(#popped, room, expected))
    if fits < 1 and #popped > 0 and last >= room then break end
    fits = math.max(1, fits)
    local chunk = call('RPOP', list, fits) or {}
    for _, message in ipairs(chunk) do
      popped[#popped + 1] = message
      last = #message
      bytes = bytes + last
      largest = math.max(largest, last)
    end
    expected = math.max(expected, largest)
    if #chunk < fits then
      remaining = 0
      break
    end
  end
  return popped
end
`;
