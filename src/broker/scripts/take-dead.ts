/**
 * Takes some dead letters out of a window of them: returns them to the list (redrive), or deletes them (purge).
 *
 * KEYS
 *   1  list  list   what producers push
 *   2  dead  list   dead letters, the newest leftmost
 *   3  parked, due, lines: of `turn-order`, in the mode `first`
 *
 * ARGV
 *   1  mode     `redrive`, to the left end of the list · `first`, to the right end, the first outermost, or in front of the line
 *               of the key · `purge`
 *   2  order    `oldest`: the oldest first, to be found from the right · `newest`
 *   3  first    index of the window's left end in the dead letters
 *   4  last     index of its right end
 *   5… digests  SHA-1 of each entry to take; in the mode `first`, followed by the 16 characters of the message's key if it has
 *               one. An entry that is not in the window, or no longer, is passed over
 *
 * Returns how many were taken.
 *
 * Cost: LRANGE LPUSH, an LSET for each taken, and one LREM, which reads no further than the window.
 *
 * Invariant: a repeat takes nothing, because each entry has an id of its own. Pushes come before removals, and where a command
 * is refused, the others are undone.
 */
export const takeDeadScript = `
local list, dead = KEYS[1], KEYS[2]
local wanted, taken, payloads, keyOf, back, parked = {}, {}, {}, {}, {}, {}
for index = 5, #ARGV do
  local digest = ARGV[index]:sub(1, 40)
  wanted[digest] = (wanted[digest] or 0) + 1
  keyOf[digest] = ARGV[index]:match('%x+$', 41)
end
local window = redis.call('LRANGE', dead, ARGV[3], ARGV[4])
local isOldestFirst = ARGV[2] == 'oldest'
for step = 1, #window do
  local entry = window[isOldestFirst and #window + 1 - step or step]
  local digest = redis.sha1hex(entry)
  if (wanted[digest] or 0) > 0 then
    wanted[digest] = wanted[digest] - 1
    taken[#taken + 1] = { entry, isOldestFirst and ARGV[4] + 1 - step or ARGV[3] + step - 1 }
    local lineEnd = entry:find('^{"id":"') and entry:find('\\n', 1, true) or 0
    local key = keyOf[digest]
    if key and (redis.call('HEXISTS', KEYS[5], key) == 1 or redis.call('ZSCORE', KEYS[4], key)) then
      parked[#parked + 1] = { key, entry:sub(lineEnd + 1) }
    else
      payloads[#payloads + 1] = entry:sub(lineEnd + 1)
    end
  end
end
if #taken == 0 then return 0 end
local isFirst = ARGV[1] == 'first'
local isRedriven = #payloads > 0 and ARGV[1] ~= 'purge'
for index = #payloads, 1, -1 do back[#back + 1] = payloads[index] end
if isRedriven then redis.call(isFirst and 'RPUSH' or 'LPUSH', list, unpack(isFirst and back or payloads)) end
local mark, marked, refusal = 'taken ' .. redis.sha1hex(ARGV[5] .. #taken), 0, nil
local function run(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then refusal = refusal or reply.err end
  return reply
end
local members = {}
local place = #parked > 0 and run('HINCRBY', KEYS[5], 'first', -#parked)
for index, waiting in ipairs(parked) do
  if refusal then break end
  members[index] = string.format('%s:%016.0f::', waiting[1], 5e15 + place + index - 1) .. waiting[2]
  run('ZADD', KEYS[4], 0, waiting[1])
  run('ZADD', KEYS[3], 0, members[index])
end
for _, entry in ipairs(taken) do
  if not refusal then
    run('LSET', dead, entry[2], mark)
    if not refusal then marked = marked + 1 end
  end
end
if not refusal then run('LREM', dead, isOldestFirst and -#taken or #taken, mark) end
if not refusal then return #taken end
for index = 1, marked do run('LSET', dead, taken[index][2], taken[index][1]) end
if #members > 0 then run('ZREM', KEYS[3], unpack(members)) end
if isRedriven and isFirst then run('LTRIM', list, 0, -1 - #payloads)
elseif isRedriven then run('LTRIM', list, #payloads, -1) end
return { err = refusal }
`.trim();
