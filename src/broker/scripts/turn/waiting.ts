/**
 * Histories of messages that wait in the list, by the digest of their payload. Equal payloads cannot be told apart
 * there, so what is kept is which histories their copies have, not which copy has which.
 */
export const waitingLua =
  `
local function readWaiting(digests)
  local waiting = {}
  for first = 1, #digests, CHUNK do
    local last = math.min(first + CHUNK - 1, #digests)
    local found = call('HMGET', attempts, unpack(digests, first, last))
    for index = first, last do
      if found[index - first + 1] then waiting[digests[index]] = found[index - first + 1] end
    end
  end
  return waiting
end
` +
  // Notes the histories of messages that go to the list: before those of their copies there if they are claimed next.
  `
local function noteWaiting(payloads, given, isNext)
  local digests, with = {}, {}
  for index, payload in ipairs(payloads) do
    if given[index] ~= '' then
      digests[#digests + 1] = redis.sha1hex(payload)
      with[#with + 1] = given[index]
    end
  end
  if #digests == 0 then return end
  local waiting, fields, seen = readWaiting(digests), {}, {}
  for index, digest in ipairs(digests) do
    local others = waiting[digest]
    waiting[digest] = not others and with[index] or isNext and with[index] .. ',' .. others or others .. ',' .. with[index]
  end
  for _, digest in ipairs(digests) do
    if not seen[digest] then
      seen[digest] = true
      fields[#fields + 1] = digest
      fields[#fields + 1] = waiting[digest]
    end
  end
  variadic('HSET', attempts, fields)
end
` +
  // Gives each popped message a history of its payload's. Returns them, and a function that moves those of the first
  // messages from the list's to the claimed batch's.
  `
local function takeHistories(popped)
  local digests, given, taken = {}, {}, {}
  for index, message in ipairs(popped) do digests[index] = redis.sha1hex(message) end
  local waiting = readWaiting(digests)
  if next(waiting) == nil then return given, function() end end
  for index, digest in ipairs(digests) do
    local of = waiting[digest] and split(waiting[digest]) or {}
    taken[digest] = (taken[digest] or 0) + 1
    given[index] = of[taken[digest]] or ''
  end
  return given, function(count)
    local used, fields, gone, hasHistory = {}, {}, {}, false
    for index = 1, count do
      local digest = digests[index]
      if waiting[digest] and not used[digest] then
        used[digest] = 0
        for other = index, count do
          if digests[other] == digest then used[digest] = used[digest] + 1 end
        end
        local of = split(waiting[digest])
        if used[digest] < #of then
          fields[#fields + 1] = digest
          fields[#fields + 1] = table.concat(of, ',', used[digest] + 1)
        else
          gone[#gone + 1] = digest
        end
      end
      hasHistory = hasHistory or given[index] ~= ''
    end
    if not hasHistory then return end
    for index = count + 1, #given do given[index] = nil end
    fields[#fields + 1] = claimId
    fields[#fields + 1] = table.concat(given, ',')
    variadic('HSET', attempts, fields)
    variadic('HDEL', attempts, gone)
    histories = given
  end
end
`;
