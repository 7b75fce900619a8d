/**
 * Gives working lists without a lease one that ends after a while, so that they are recovered.
 *
 * KEYS
 *   1   leases    zset   batch → end of its lease
 *   2…  working   list   working lists
 *
 * ARGV
 *   1   ends at   ms on Redis' own clock
 *   2…  batches   the id of each working list, in the order of the keys
 *
 * Returns how many got a lease.
 *
 * Cost: EXISTS for each working list, ZADD for each that is there.
 *
 * Invariant: a batch has a lease exactly as long as it has a working list. A batch that was settled since it was found gets no
 * lease, since a lease without messages would keep other drains away until it ends. A repeat changes nothing.
 */
export const adoptScript = `
local adopted = 0
for index = 2, #KEYS do
  if redis.call('EXISTS', KEYS[index]) == 1 then
    adopted = adopted + redis.call('ZADD', KEYS[1], 'NX', ARGV[1], ARGV[index])
  end
end
return adopted
`.trim();
