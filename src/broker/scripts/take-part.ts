/**
 * Registers that a drain of several lists is at work, and until when at most, and counts those that are.
 *
 * KEYS
 *   1  drains  zset  chain → when its drain must have ended, ms on Redis' own clock
 *
 * ARGV
 *   1  chain  the chain of the drain that asks
 *   2  ms     how long that drain may go on
 *
 * Returns how many are at work, and how many of them have chains whose ids come before the one that asks, an order that stays the
 * same from hop to hop. Cost: five commands.
 *
 * Invariant: the key expires once no drain can be at work.
 */
export const takePartScript = `
local drains, chain, ms = KEYS[1], ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local endsAt = string.format('%.0f', now + ms)
redis.call('ZREMRANGEBYSCORE', drains, '-inf', now)
redis.call('ZADD', drains, endsAt, chain)
redis.call('PEXPIRE', drains, math.max(ms, redis.call('PTTL', drains)))
local live, before = redis.call('ZRANGE', drains, 0, -1), 0
for _, other in ipairs(live) do
  if other < chain then before = before + 1 end
end
return { #live, before }
`.trim();
