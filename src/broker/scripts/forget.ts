/**
 * Removes names of lists from the register of a pattern, unless someone has written them since this run marked them.
 *
 * KEYS
 *   1  register  hash  name of a list → empty, or the mark of the run that last found it empty
 *
 * ARGV
 *   1   mark   unique to this call
 *   2…  names  lists that it marked, and that had no key after that
 *
 * Returns how many it removed. Cost: a command for each name, and one more for each that it removes.
 *
 * Invariant: a producer writes the name after its push, so a name whose mark still stands belongs to an empty list.
 */
export const forgetScript = `
local register, mark, count = KEYS[1], ARGV[1], 0
for at = 2, #ARGV do
  if redis.call('HGET', register, ARGV[at]) == mark then
    count = count + redis.call('HDEL', register, ARGV[at])
  end
end
return count
`.trim();
