/**
 * Pops the messages of one batch: about as many bytes as it may have, and one message more. No command tells sizes without reading,
 * and reading many large messages at once blocks Redis. So the size of a pop follows from the largest message seen: in the drain's
 * last batches, in this one, and at the place where the next batch would end, at which every second claim looks. That look shows
 * that messages grow, but not those in between, so no pop takes more than 34 messages, and where none was seen before, not more than
 * twice as many as were popped already. Where the largest would not fit, messages are popped one by one, as long as another one
 * like the last fits. For a claim of 20 or fewer the look is not worth it.
 */
export const popLua =
  // How many messages to read at once, from how many were read already and how many bytes are left.
  `
local function readable(count, room, expected)
  return math.min(34, math.floor(room / math.max(1, expected)), sizeHint > 0 and 34 or math.max(2, 2 * count))
end
` +
  // Puts popped messages back to the right end, in their order. Where that is refused it tries the other end, and then the delayed
  // set, since a user without the right to push may still write leases.
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
  // Returns the popped messages. Any later refusal in the same step puts them back.
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
