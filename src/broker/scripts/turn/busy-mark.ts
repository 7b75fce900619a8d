/**
 * Marks the list as busy while no further drain may begin, for as long as that is certain. The mark is only a hint: it is taken
 * away where it would last too long, and where it ends too soon the leases decide. Where an earlier sending of this request, or
 * another drain, may have set it, it counts as set.
 */
export const busyMarkLua = `
local function markBusy()
  if marksBusy == 0 or settled == LOST then return end
  if again then
    busyUntil = expiresAt
    return
  end
  if #messages > 0 and math.max(0, othersCount) + 1 >= maxConcurrency then
    local untilMs = math.min(expiresAt, othersUntil)
    if untilMs >= busyUntil and untilMs < busyUntil + 1000 then return end
    busyUntil = untilMs
    try('SET', busy, '', 'PX', string.format('%.0f', math.max(1, untilMs - now)))
  elseif marksBusy == 1 and (busyUntil > 0 or (maxConcurrency > 1 and #messages == 0)) then
    busyUntil = 0
    try('DEL', busy)
  end
end
`;
