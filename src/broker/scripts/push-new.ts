/**
 * Pushes those messages whose ids were not pushed lately, and remembers their ids.
 *
 * KEYS
 *   1  list     list    what producers push
 *   2  delayed  zset    `<unique id>:<payload>` → due time, ms on Redis' own clock
 *   3… ids      string  one a message: `<until when it counts, ms> <request>.<key>`
 *
 * ARGV
 *   1  requestId  unique to this request: a repeat with the same id pushes nothing twice
 *   2  ttlMs      ms an id counts
 *   3  keepMs     ms its key is kept at least: as long as the same request may be repeated
 *   4  where      `left` · `right`, where the first given is the next to be claimed · ms, when all are due: then the messages are
 *                 members of the delayed set
 *   5… messages   one for each id
 *
 * Returns the length of the list, -1 where nothing went there, then 1 or 0 for each message: new or not.
 *
 * Invariant: an id is remembered if and only if its message was pushed. Where a command is refused, neither is.
 */
export const pushNewScript = `
local list, delayed = KEYS[1], KEYS[2]
local requestId, ttlMs, keepMs, where = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local remembered, values, answer, refusal = {}, {}, { -1 }, nil

local function run(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    refusal = refusal or reply.err
    return nil
  end
  return reply
end

for at = 3, #KEYS do
  local mark = requestId .. '.' .. at
  local untilMs, by = (run('GET', KEYS[at]) or ''):match('^(%d+) (.*)$')
  if refusal then break end
  local isKnown = by == mark or untilMs and now < tonumber(untilMs)
  if not isKnown then
    run('SET', KEYS[at], string.format('%.0f %s', now + ttlMs, mark), 'PX', math.max(ttlMs, keepMs))
    if refusal then break end
    remembered[#remembered + 1] = KEYS[at]
    if tonumber(where) then values[#values + 1] = where end
    values[#values + 1] = ARGV[at + 2]
  end
  answer[#answer + 1] = (not isKnown or by == mark) and 1 or 0
end
if where == 'right' then
  for at = 1, math.floor(#values / 2) do values[at], values[#values + 1 - at] = values[#values + 1 - at], values[at] end
end
if not refusal and #values > 0 then
  if tonumber(where) then run('ZADD', delayed, unpack(values))
  else answer[1] = run(where == 'left' and 'LPUSH' or 'RPUSH', list, unpack(values)) end
end
if not refusal then return answer end
for _, key in ipairs(remembered) do
  local reply = redis.pcall('DEL', key)
  if type(reply) == 'table' and reply.err then redis.pcall('SET', key, '', 'PX', 1) end
end
return { err = refusal }
`.trim();
