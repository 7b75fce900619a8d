/**
 * Histories of messages that wait in the list, by the digest of their payload. Equal payloads cannot be told apart in the list, so
 * it is kept which histories their copies have, and not which copy has which. Each history of several copies has a numbered field of
 * its own, so that a batch costs the same however many copies wait. What cannot be read counts as no history.
 */
export const waitingLua =
  `
local function readFields(fields)
  local found = {}
  for first = 1, #fields, CHUNK do
    local values = call('HMGET', attempts, unpack(fields, first, math.min(first + CHUNK - 1, #fields)))
    for index, value in ipairs(values) do found[fields[first + index - 1]] = value end
  end
  return found
end
` +
  // For each payload with histories: the numbers of the first and the last one, and the history itself where there is only one.
  `
local function readWaiting(digests)
  local waiting, fields, seen = {}, {}, {}
  for _, digest in ipairs(digests) do
    if not seen[digest] then
      seen[digest] = true
      fields[#fields + 1] = digest
    end
  end
  for digest, value in pairs(readFields(fields)) do
    local alone = value and value:match('^%d+%.%d+%.%d+@%d+$')
    local first, last = (alone and '0:0' or value or ''):match('^(%-?%d+):(%-?%d+)$')
    first, last = tonumber(first or 1), tonumber(last or 0)
    if first <= last then waiting[digest] = { first = first, last = last, alone = alone } end
  end
  return waiting
end

local function writeWaiting(fields, digest, of)
  fields[#fields + 1] = digest
  fields[#fields + 1] = of.alone or of.first .. ':' .. of.last
end
` +
  // Notes the histories of messages that go to the list, before those of their copies there where they are claimed next.
  `
local function noteWaiting(payloads, given, isNext)
  local digests, with, fields = {}, {}, {}
  for index, payload in ipairs(payloads) do
    if given[index] ~= '' then
      digests[#digests + 1] = redis.sha1hex(payload)
      with[#with + 1] = given[index]
    end
  end
  if #digests == 0 then return end
  local waiting = readWaiting(digests)
  for step = 1, #digests do
    local index = isNext and #digests + 1 - step or step
    local digest, of = digests[index], waiting[digests[index]]
    if not of then
      waiting[digest] = { first = 0, last = 0, alone = with[index] }
    else
      if of.alone then
        fields[#fields + 1] = digest .. ':0'
        fields[#fields + 1] = of.alone
        of.alone = nil
      end
      if isNext then of.first = of.first - 1 else of.last = of.last + 1 end
      fields[#fields + 1] = digest .. ':' .. (isNext and of.first or of.last)
      fields[#fields + 1] = with[index]
    end
  end
  for digest, of in pairs(waiting) do writeWaiting(fields, digest, of) end
  variadic('HSET', attempts, fields)
end
` +
  // Gives each popped message one of the histories of its payload. Returns them, and a function that moves those of the first
  // messages from the list to the claimed batch.
  `
local function takeHistories(popped)
  local digests, given, places, fields, taken = {}, {}, {}, {}, {}
  for index, message in ipairs(popped) do digests[index] = redis.sha1hex(message) end
  local waiting = readWaiting(digests)
  if next(waiting) == nil then return given, function() end end
  for index, digest in ipairs(digests) do
    local of, at = waiting[digest], taken[digest] or 0
    if of and of.first + at <= of.last then
      taken[digest] = at + 1
      places[index] = of.alone and digest or digest .. ':' .. of.first + at
      fields[#fields + 1] = not of.alone and places[index] or nil
    end
  end
  local found = readFields(fields)
  for index, digest in ipairs(digests) do
    local history = places[index] and (waiting[digest].alone or found[places[index]]) or ''
    given[index] = history:match('^[^,]*$') or ''
  end
  return given, function(count)
    local changed, gone, touched = {}, {}, {}
    for index = 1, count do
      if places[index] then
        gone[#gone + 1] = places[index]
        waiting[digests[index]].first = waiting[digests[index]].first + 1
        touched[digests[index]] = true
      end
    end
    if #gone == 0 then return end
    for digest in pairs(touched) do
      if waiting[digest].first > waiting[digest].last then gone[#gone + 1] = digest
      else writeWaiting(changed, digest, waiting[digest]) end
    end
    for index = count + 1, #given do given[index] = nil end
    changed[#changed + 1] = claimId
    changed[#changed + 1] = table.concat(given, ',')
    variadic('HSET', attempts, changed)
    variadic('HDEL', attempts, gone)
    histories = given
  end
end
`;
