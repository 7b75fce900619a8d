import { returnLua } from "../turn/reply.ts";
import { runLua } from "../turn/run.ts";
import { patched } from "./patched.ts";

/** What else a claim must look at: parked messages of an earlier order, which go back to the list first, and a list that is held. */
const standingLua =
  // Where no order by key is kept, or no longer, parked messages go to the right end, the first of each line outermost. The last
  // members go first, so that the order stays even if only a part goes back. Returns whether all are back.
  `
local function unpark()
  if mode == 'k' then return true end
  local count, bytes, expected = 0, 0, sizeHint
  while count < promoteMax and bytes < BYTES do
    local wanted = math.max(1, readable(count, BYTES - bytes, expected))
    local members = call('ZRANGE', parked, -wanted, -1)
    if #members == 0 then
      if count > 0 then
        try('DEL', due)
        try('HDEL', lines, 'first', 'last')
      end
      return true
    end
    local returned, given = {}, {}
    for index, member in ipairs(members) do
      local colon = member:find(':', 35, true) or 35
      returned[index], given[index] = member:sub(colon + 1), member:sub(35, colon - 1)
      bytes = bytes + #member
      expected = math.max(expected, #member)
    end
    local isBack = step(function()
      push('RPUSH', list, reversed(returned))
      noteWaiting(returned, given, true)
      call('ZREM', parked, unpack(members))
    end)
    if not isBack then
      claimed = FAILED
      return false
    end
    count = count + #members
  end
  return false
end

local function isListHeld()
  local leftMs = mode == 's' and hasWaiting and call('PTTL', held) or 0
  if leftMs <= 0 or call('EXISTS', list) == 0 then return false end
  claimed, nextDueAt = HELD, now + leftMs
  return true
end

local function noteLines()
  if mode ~= 'k' or not hasWaiting or #messages > 0 then return end
  local first = (claimed == SERVED or claimed == HELD or claimId == '') and call('ZRANGE', due, 0, 0, 'WITHSCORES') or {}
  local dueAt = tonumber(first[2] or nil) or -1
  if dueAt % 1 > 0 and (claimed == HELD or claimed == SERVED and #peeked == 0) then claimed = LIMITED end
  if dueAt >= 0 and (nextDueAt < 0 or dueAt < nextDueAt) then nextDueAt = math.ceil(dueAt) end
  if remaining >= 0 then remaining = remaining + call('ZCARD', parked) end
end
`;

export const runInOrderLua =
  standingLua +
  patched(
    runLua,
    [
      "  local isBack, braked = true, {}\n",
      `  local isBack, braked = true, {}
  if isClaiming and not isFull and settleId == '' and not unpark() then return end\n`,
    ],
    [
      "'EXISTS', attempts, delayed, brake, control, control, control, control)\n    hasState, hasControl = found % 4 > 0, found >= 4\n",
      `'EXISTS', attempts, delayed, brake, control, control, control, control,
      unpack(mode == 'f' and {} or mode == 's' and { held, held, held, held, held, held, held, held }
        or { due, due, due, due, due, due, due, due }))
    hasState, hasControl, hasWaiting = found % 4 > 0, found % 8 >= 4, found >= 8\n`,
    ],
    ["  elseif braked.isOn then\n", "  elseif isListHeld() then\n    return\n  elseif braked.isOn then\n"],
    [
      "  if countRemaining then remaining = try('LLEN', list) or -1 end\n",
      "  if countRemaining then remaining = try('LLEN', list) or -1 end\n  noteLines()\n",
    ],
  );

export const returnInOrderLua = patched(
  returnLua,
  ["{ settled, claimed, messages,", "{ settled, claimed, payloads or messages,"],
  [
    "othersBefore }",
    "othersBefore, claimedKeys, places, peeked, table.concat(prints), movedCount, refused }",
  ],
);
