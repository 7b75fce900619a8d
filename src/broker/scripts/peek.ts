/**
 * Reads messages of one place, from one of its ends, with what is known about each. It changes nothing.
 *
 * KEYS
 *   1  place     list or zset   the list, `delayed` or `parked`
 *   2  attempts  hash           histories of messages in the list, as `turn` describes them
 *
 * ARGV
 *   1  place     `list` · `delayed` · `parked`
 *   2  from      `oldest` · `newest`
 *   3  countMax  messages at most
 *   4  bytesMax  bytes of payloads to read at most, those cut off included; one message is always read
 *   5  cutAt     bytes of one payload at most; what is longer is cut off
 *
 * Returns for each message: its payload, the payload's whole size, its SHA-1, its history or an empty text, when it is due or
 * an empty text, its key's 16 characters or an empty text.
 *
 * Cost: LINDEX or ZRANGE for each message, HMGET, and an HGET for each payload of which several copies have failed.
 *
 * Equal payloads cannot be told apart in the list: the first of them is shown with the history that a claim would give it.
 */
export const peekScript = `
local place, attempts = KEYS[1], KEYS[2]
local isOldest, bytesLeft, found, digests = ARGV[2] == 'oldest', tonumber(ARGV[4]), {}, {}
while #found < tonumber(ARGV[3]) and (#found == 0 or bytesLeft > 0) do
  local payload, history, dueAt, key
  if ARGV[1] == 'list' then
    payload = redis.call('LINDEX', place, isOldest and -1 - #found or #found)
  else
    local at = isOldest and #found or -1 - #found
    local member = redis.call('ZRANGE', place, at, at, 'WITHSCORES')
    payload = member[1]
    if payload and ARGV[1] == 'delayed' then
      local last = payload:find(':', 1, true) or 0
      history, dueAt = payload:sub(1, last):match('!(%d+%.%d+%.%d+@%d+):$'), member[2]
      payload = payload:sub(last + 1)
    elseif payload then
      local parts = '^(%x+):%d+:([^:]*):'
      local _, last = payload:find(parts)
      key, history = payload:match(parts)
      payload = payload:sub((last or 0) + 1)
    end
  end
  if not payload then break end
  local digest = redis.sha1hex(payload)
  digests[#digests + 1] = digest
  found[#found + 1] = { payload:sub(1, ARGV[5]), #payload, digest, history or '', dueAt or '', key or '' }
  bytesLeft = bytesLeft - #payload
end
if ARGV[1] ~= 'list' or #found == 0 then return found end
local seen = {}
for index, history in ipairs(redis.call('HMGET', attempts, unpack(digests))) do
  local digest = digests[index]
  local first, last = tostring(history):match('^(%-?%d+):(%-?%d+)$')
  local number = (first or 0) + (seen[digest] or 0)
  seen[digest] = (seen[digest] or 0) + 1
  if first then
    history = number <= tonumber(last) and redis.call('HGET', attempts, digest .. ':' .. number)
  elseif number > 0 then
    history = false
  end
  found[index][4] = history or ''
end
return found
`.trim();
