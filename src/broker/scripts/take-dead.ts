/**
 * Takes some dead letters out of a window of them: back to the list (redrive), or away (purge).
 *
 * KEYS
 *   1  list  list   what producers push
 *   2  dead  list   dead letters, the newest leftmost
 *
 * ARGV
 *   1  mode     `redrive` or `purge`
 *   2  order    `oldest`: the oldest first, to be found from the right · `newest`
 *   3  first    index of the window's left end in the dead letters
 *   4  last     index of its right end
 *   5… digests  SHA-1 of each entry to take; one that is not in the window (any more) is passed over
 *
 * Returns how many were taken.
 *
 * Cost: LRANGE LPUSH and an LREM for each taken, which looks no further than the window.
 *
 * Invariant: a repeat takes nothing, because each entry has an id of its own. Pushes come before removals.
 */
export const takeDeadScript = `
local list, dead = KEYS[1], KEYS[2]
local wanted, taken, payloads = {}, {}, {}
for index = 5, #ARGV do wanted[ARGV[index]] = (wanted[ARGV[index]] or 0) + 1 end
local window = redis.call('LRANGE', dead, ARGV[3], ARGV[4])
local isOldestFirst = ARGV[2] == 'oldest'
for step = 1, #window do
  local entry = window[isOldestFirst and #window + 1 - step or step]
  local digest = redis.sha1hex(entry)
  if (wanted[digest] or 0) > 0 then
    wanted[digest] = wanted[digest] - 1
    taken[#taken + 1] = entry
    local lineEnd = entry:find('^{"id":"') and entry:find('\\n', 1, true) or 0
    payloads[#payloads + 1] = entry:sub(lineEnd + 1)
  end
end
if #taken > 0 and ARGV[1] == 'redrive' then redis.call('LPUSH', list, unpack(payloads)) end
for _, entry in ipairs(taken) do redis.call('LREM', dead, isOldestFirst and -1 or 1, entry) end
return #taken
`.trim();
