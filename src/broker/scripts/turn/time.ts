/** Redis' own clock, read when first needed: a quiet turn that ends a run does not need it. */
export const timeLua = `
local time, now = nil, 0

local function takeTime()
  if time then return end
  time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
`;
