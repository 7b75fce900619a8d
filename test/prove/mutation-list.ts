// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of sources.
/** One change of one text that stands once in its file or, where that is a folder, in one of the files below it. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

/** A way to break the protocol: one edit in one place. */
export interface Mutation {
  readonly name: string;
  readonly edit: Edit;
  /** The parts of the proof that can meet it. Default: all, the quickest first. */
  readonly by?: readonly string[];
}

const inScript = (find: string, put: string): Edit => ({ file: "src/broker/scripts", find, put });

export const mutations: readonly Mutation[] = [
  {
    name: "run effects before the fence",
    edit: inScript(
      "  if count ~= #outcomes then\n    isRepeat = count > 0\n    return isRepeat\n  end\n  runEffects()\n",
      "  runEffects()\n  if count ~= #outcomes then\n    isRepeat = count > 0\n    return isRepeat\n  end\n",
    ),
  },
  {
    name: "run effects before the fence of partial settles",
    edit: inScript(
      "  if #batch ~= #outcomes then\n    isRepeat = true\n    return\n  end\n  ${more.first}",
      "  ${more.first}if #batch ~= #outcomes then\n    isRepeat = true\n    return\n  end\n  ",
    ),
    by: ["model"],
  },
  {
    name: "run the first effect of a message whose second one is refused",
    edit: inScript("  if #commands > 1 and isMistyped(commands, places) then return end\n", ""),
  },
  {
    name: "acknowledge a message whose effects were refused",
    edit: inScript("  outcomes = outcomes:gsub('().', failedThere)\n", ""),
  },
  {
    name: "note a message with effects as done before it is settled",
    edit: {
      file: "src/handling/processor.ts",
      find: 'if (kind === "ack" && !effects) return',
      put: 'if (kind === "ack") return',
    },
  },
  {
    name: "drop the fence: settle a batch whose lease is gone",
    edit: inScript("if removed == 0 then return false end", ""),
  },
  {
    name: "drop the fence of partial settles",
    edit: inScript("isHeld = try('ZSCORE', leases, settleId)\n", "isHeld = true\n"),
    by: ["model"],
  },
  {
    name: "claim without a token: a repeated claim claims again",
    edit: inScript("if id == claimId then\n      again = score\n    elseif", "if"),
  },
  {
    name: "settle twice: never see that an earlier sending has run",
    edit: inScript(
      "isRepeat = isRepeat or again or mayHaveRun == 1 and now < settleExpiresAt",
      "isRepeat, again = false, false",
    ),
    by: ["model"],
  },
  {
    name: "forget the lease: claim without one",
    edit: inScript("call('ZADD', leases, string.format('%.4f', expiresAt + sequence / 2048), claimId)", ""),
  },
  {
    name: "forget which drain claimed first",
    edit: inScript("expiresAt + sequence / 2048", "expiresAt"),
    by: ["model"],
  },
  {
    name: "claim from a paused list",
    edit: inScript("  if paused then\n", "  if false then\n"),
    by: ["simulation"],
  },
  {
    name: "start one drain more than may live",
    edit: {
      file: "src/scale/scale.ts",
      find: "Math.max(1, Math.min(maxConcurrency, Math",
      put: "Math.max(1, Math.min(maxConcurrency + 1, Math",
    },
    by: ["simulation"],
  },
  {
    name: "start others at every turn, without waiting for those before",
    edit: {
      file: "src/scale/scale-out.ts",
      find: "    this.#nextAt = now + limits.waveMs;\n",
      put: "",
    },
    by: ["simulation"],
  },
  {
    name: "count no claim against the limit",
    edit: inScript("  if spend then spend(count) end\n", ""),
    by: ["simulation"],
  },
  {
    name: "see no line that was redriven to since the last look",
    edit: inScript("holders[#asked + 1] or holders[#asked + 2]", "false"),
    by: ["simulation by key"],
  },
  {
    name: "recover leases that have not ended",
    edit: inScript("elseif score <= now or score", "elseif score <= now + 2000 or score"),
  },
  {
    name: "recover in the wrong order",
    edit: inScript("push('RPUSH', list, reversed(back))", "push('RPUSH', list, back)"),
    by: ["model"],
  },
  {
    name: "recover without removing the working list",
    edit: inScript("  remove(working, done)\n", ""),
  },
  {
    name: "recover a drain's batches one by one, as each lease ends",
    edit: inScript("if not live[lease.owner] then free", "free"),
    by: ["model"],
  },
  {
    name: "take the newer of two batches for the older one",
    edit: inScript("return one.age > other.age", "return one.age < other.age"),
    by: ["model"],
  },
  {
    name: "claim before all messages of expired leases are back",
    edit: inScript("if not isClaiming or not isBack then return end", "if not isClaiming then return end"),
  },
  {
    name: "do not count crashes",
    edit: inScript(
      "local history = addTo(known[index] or '', 1, 1, 0)",
      "local history = addTo(known[index] or '', 0, 1, 0)",
    ),
  },
  {
    name: "lose the count of attempts on promotion",
    edit: inScript("  noteWaiting(payloads, given, false)\n", ""),
  },
  {
    name: "promote without removing from the delayed set",
    edit: inScript(
      "  if not try('ZREM', delayed, unpack(due)) then call('ZREMRANGEBYRANK', delayed, 0, #due - 1) end\n",
      "",
    ),
  },
  {
    name: "forget what is kept: a partial settle drops running messages",
    edit: inScript("variadic('LPUSH', settleWorking, kept)", "variadic('LPUSH', settleWorking, { kept[1] })"),
    by: ["model"],
  },
  {
    name: "lose what the bytes or the company cut off",
    edit: inScript(
      "if #surplus > 0 then remaining = putBack(surplus) end",
      "if #surplus > 0 then remaining = call('LLEN', list) end",
    ),
  },
  {
    name: "equal payloads share a history where they wait",
    edit: inScript("if isNext then of.first = of.first - 1 else of.last = of.last + 1 end", ""),
    by: ["model"],
  },
  {
    name: "ignore maxConcurrency",
    edit: inScript("local isFull = not isHolding and othersCount >= maxConcurrency", "local isFull = false"),
  },
  {
    name: "leave the mark of a full house when a drain leaves",
    edit: inScript(
      "elseif marksBusy == 1 and (busyUntil > 0 or (maxConcurrency > 1 and #messages == 0)) then",
      "elseif false then",
    ),
  },
  {
    name: "retry under one id: equal payloads of a batch share a place in the delayed set",
    edit: inScript(
      "string.format('%06d.%05d.%s!%s:', time[2], index, settleId, history)",
      "string.format('!%s:', history)",
    ),
    by: ["model"],
  },
  {
    name: "a done-marker speaks for a message that is not its own",
    edit: inScript(
      "if (finished[digest] or 0) > 0 then\n      finished[digest] = finished[digest] - 1",
      "if next(finished) then\n      finished[next(finished)] = nil",
    ),
  },
  {
    name: "the brake gives everything back uncounted for ever",
    edit: inScript("local mayHold = not isWorn and held < heldMax", "local mayHold = true"),
    by: ["brake"],
  },
  {
    name: "a probe's failure does not count, and the brake never wears out",
    edit: inScript(
      "local mayHold = since and (now < endsAt or now - since < brakeMsMax)",
      "local mayHold = since",
    ),
    by: ["brake"],
  },
  {
    name: "the drain takes any lost reply of a settle for success",
    edit: inScript("mayHaveRun == 1 and now < settleExpiresAt", "true"),
    by: ["model"],
  },
  {
    name: "the drain acknowledges what its handler failed",
    edit: {
      file: "src/handling/processor.ts",
      find: "return judgeThrown(error, message, this.#judging);",
      put: "return say.ack;",
    },
  },
  {
    name: "the drain acknowledges what still runs when it leaves",
    edit: {
      file: "src/handling/processor.ts",
      find: "this.#ranCount += 1;\n          this.#outcomes[at] = say.keep;",
      put: "this.#ranCount += 1;\n          this.#outcomes[at] = say.ack;",
    },
  },
  {
    name: "each sending of a claim names a new batch",
    edit: {
      file: "src/broker/turn-request.ts",
      find: 'claim?.id ?? "",',
      put: 'claim && mayHaveRun ? `${claim.id}9` : (claim?.id ?? ""),',
    },
    by: ["model"],
  },
  {
    name: "park behind others in front of them",
    edit: inScript("moveEnd('last', #parks) - #parks, {}, {}", "moveEnd('first', -#parks) - 1, {}, {}"),
    by: ["model of the orders", "simulation by key"],
  },
  {
    name: "forget when somebody is to look at a line",
    edit: inScript("  variadic('ZADD', due, times)\n  if mayWait", "  if mayWait"),
    by: ["model of the orders", "simulation by key"],
  },
  {
    name: "claim what the drain was not shown",
    edit: inScript("if #popped ~= freshCount or print ~= freshPrint then", "if #popped ~= freshCount then"),
    by: ["model of the orders", "simulation by key"],
  },
  {
    name: "claim beside a line that waits for a retry",
    edit: inScript("not (endsAt or waits[at]), mayHave", "not endsAt, mayHave"),
    by: ["model of the orders", "simulation by key"],
  },
  {
    name: "free the key of a message whose handler still runs",
    edit: inScript("      kept[#kept + 1] = key\n", ""),
    by: ["model of the orders", "simulation by key"],
  },
  {
    name: "take a line whose key is held",
    edit: inScript("    if endsAt or windowAt then\n", "    if windowAt then\n"),
    by: ["model of the orders", "simulation by key"],
  },
  {
    name: "a crash makes a dead letter of what comes behind another that comes back",
    edit: inScript(
      "if readHistory(history) < maxAttempts or isBackOf[line] then",
      "if readHistory(history) < maxAttempts then",
    ),
    by: ["model of the orders", "simulation by key"],
  },
  {
    name: "in strict order a failed message comes later",
    edit: inScript(
      "return mode == 's' or (settling[index] or NO_KEY) ~= NO_KEY",
      "return (settling[index] or NO_KEY) ~= NO_KEY",
    ),
    by: ["simulation", "model of the orders", "simulation of more worlds"],
  },
  {
    name: "run what comes behind a failed message of its line",
    edit: {
      file: "src/handling/processor.ts",
      find: "if (!(await this.#mark(at)) && !isLoose) break;",
      put: "await this.#mark(at);",
    },
    by: ["model of the orders", "simulation by key"],
  },
  {
    name: "count no claim of a key against its limit",
    edit: inScript("  spendKeys(held)\n", ""),
    by: ["simulation by key"],
  },
  {
    name: "begin another window with every claim",
    edit: inScript("if not (windowEndsAt > now and windowEndsAt <= now + keyWindowMs) then", "if true then"),
    by: ["simulation by key"],
  },
  {
    name: "claim from the list more of a key than is left to it",
    edit: inScript("if left[key] < 0 then", "if false then"),
    by: ["simulation by key"],
  },
  {
    name: "claim of a line more than is left to its key",
    edit: inScript("local fair = math.min(mayHave, math.max(", "local fair = math.min(math.huge, math.max("),
    by: ["simulation by key"],
  },
  {
    name: "forget a line whose key has had its part",
    edit: inScript("    if endsAt or windowAt then\n", "    if endsAt then\n"),
    by: ["simulation by key"],
  },
  {
    name: "give messages back to the other end of a list that is consumed from its left",
    edit: inScript(" RPUSH = 'LPUSH' }", " RPUSH = 'RPUSH' }"),
    by: ["simulation", "simulation of more worlds"],
  },
];
