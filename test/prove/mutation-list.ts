// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of sources.
/** One change of one text that stands once in its file. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

/** A way to break the protocol. What the script does is broken in the Lua and in its TypeScript twin alike. */
export interface Mutation {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** The parts of the proof that can meet it. Default: all, the quickest first. */
  readonly by?: readonly string[];
}

const lua = "src/broker/scripts/turn.ts";
const twin = "adapters/local/turn-script.ts";

function both(luaFind: string, luaPut: string, twinFind: string, twinPut: string): Edit[] {
  return [
    { file: lua, find: luaFind, put: luaPut },
    { file: twin, find: twinFind, put: twinPut },
  ];
}

export const mutations: readonly Mutation[] = [
  {
    name: "drop the fence: settle a batch whose lease is gone",
    edits: both(
      "isHeld = call('ZREM', leases, settleId) == 1",
      "call('ZREM', leases, settleId) isHeld = true",
      'isHeld = this.#call("ZREM", this.#keys.leases, this.#settleId) === 1;',
      'this.#call("ZREM", this.#keys.leases, this.#settleId); isHeld = true;',
    ),
  },
  {
    name: "drop the fence of partial settles",
    edits: both(
      "isHeld = call('ZSCORE', leases, settleId)\n",
      "isHeld = true\n",
      'isHeld = this.#call("ZSCORE", this.#keys.leases, this.#settleId) !== null;',
      "isHeld = true;",
    ),
    by: ["model"],
  },
  {
    name: "claim without a token: a repeated claim claims again",
    edits: both(
      "if id == claimId then\n        again = score\n      elseif",
      "if",
      "if (id === this.#claimId) this.#again = score;\n        else if",
      "if",
    ),
  },
  {
    name: "settle twice: never see that an earlier sending has run",
    edits: both(
      "isRepeat = again or now < settleExpiresAt",
      "isRepeat, again = false, false",
      "this.#isRepeat = this.#again !== null || this.#now < this.#settleExpiresAt;",
      "this.#isRepeat = false; this.#again = null;",
    ),
    by: ["model"],
  },
  {
    name: "forget the lease: claim without one",
    edits: both(
      "call('ZADD', leases, expiresAt, claimId)",
      "",
      'this.#call("ZADD", leases, this.#expiresAt, this.#claimId);',
      "",
    ),
  },
  {
    name: "recover leases that have not ended",
    edits: both(
      "elseif score <= now then",
      "elseif score <= now + 2000 then",
      "else if (Number(score) <= this.#now) expired.push(id);",
      "else if (Number(score) <= this.#now + 2000) expired.push(id);",
    ),
  },
  {
    name: "recover in the wrong order",
    edits: both(
      "if #back > 0 then variadic('RPUSH', list, reversed(back)) end",
      "if #back > 0 then variadic('RPUSH', list, back) end",
      'if (back.length > 0) this.#variadic("RPUSH", list, [...back].reverse());',
      'if (back.length > 0) this.#variadic("RPUSH", list, [...back]);',
    ),
    by: ["model"],
  },
  {
    name: "recover without removing the working list",
    edits: both(
      "      call('DEL', working, done)\n      call('HDEL', attempts, id)",
      "      call('HDEL', attempts, id)",
      '        this.#call("DEL", working, done);\n        this.#call("HDEL", attempts, id);',
      '        this.#call("HDEL", attempts, id);',
    ),
  },
  {
    name: "do not count crashes",
    edits: both(
      "local history = addTo(known[index] or '', 1, 1, 0)",
      "local history = addTo(known[index] or '', 0, 1, 0)",
      'const record = addTo(known[at] ?? "", this.#now, [1, 1, 0]);',
      'const record = addTo(known[at] ?? "", this.#now, [0, 1, 0]);',
    ),
  },
  {
    name: "lose the count of attempts on promotion",
    edits: both(
      "    noteWaiting(payloads, given, false)\n",
      "",
      "      this.#noteWaiting(payloads, given, false);\n",
      "",
    ),
  },
  {
    name: "promote without removing from the delayed set",
    edits: both(
      "    variadic('ZREM', delayed, due)\n",
      "",
      '      this.#variadic("ZREM", delayed, due);\n',
      "",
    ),
  },
  {
    name: "forget what is kept: a partial settle drops running messages",
    edits: both(
      "variadic('RPUSH', working, reversed(kept))",
      "variadic('RPUSH', working, { kept[1] })",
      'this.#variadic("RPUSH", working, kept.reverse());',
      'this.#variadic("RPUSH", working, kept.slice(0, 1));',
    ),
    by: ["model"],
  },
  {
    name: "lose what the bytes or the company cut off",
    edits: both(
      "if #surplus > 0 then remaining = variadic('RPUSH', list, reversed(surplus)) end",
      "if #surplus > 0 then remaining = call('LLEN', list) end",
      'if (surplus.length > 0) this.#remaining = this.#variadic("RPUSH", list, surplus.reverse());',
      'if (surplus.length > 0) this.#remaining = this.#call("LLEN", list) as number;',
    ),
  },
  {
    name: "ignore maxConcurrency",
    edits: both(
      "if not isHolding and othersCount >= maxConcurrency then",
      "if false then",
      "if (!isHolding && others.size >= this.#maxConcurrency) {",
      "if (this.#maxConcurrency < 0) {",
    ),
  },
  {
    name: "leave the mark of a full house when a drain leaves",
    edits: both(
      "elseif marksBusy == 1 and (busyUntil > now or (maxConcurrency > 1 and #messages == 0)) then",
      "elseif false then",
      "if (this.#policy.marksBusy === 1 && maySay) {",
      "if (this.#policy.marksBusy < 0 && maySay) {",
    ),
  },
  {
    name: "retry under one id: equal payloads of a batch share a place in the delayed set",
    edits: both(
      "string.format('%06d.%05d.%s!%s:', time[2], index, settleId, history)",
      "string.format('!%s:', history)",
      '`${this.#micros.padStart(6, "0")}.${place}.${this.#settleId}!${counted}:${message}`',
      "`!${counted}:${message}`",
    ),
    by: ["model"],
  },
  {
    name: "a done-marker speaks for a message that is not its own",
    edits: both(
      "if (finished[digest] or 0) > 0 then\n          finished[digest] = finished[digest] - 1",
      "if next(finished) then\n          finished[next(finished)] = nil",
      "const marker = finished.indexOf(sha1Hex(message));",
      "const marker = finished.length - 1;",
    ),
  },
  {
    name: "the brake gives everything back uncounted for ever",
    edits: both(
      "local mayHold = not isWorn and held < heldMax",
      "local mayHold = true",
      'const mayHold = !isWorn && this.#read(known[at] ?? "").held < heldMax;',
      "const mayHold = heldMax >= 0 || isWorn;",
    ),
    by: ["brake"],
  },
  {
    name: "a probe's failure does not count, and the brake never wears out",
    edits: both(
      "local mayHold = since and (now < endsAt or now - since < brakeMsMax)",
      "local mayHold = since",
      "const mayHold = this.#now < endsAt || this.#now - Number(since) < this.#policy.brakeMsMax;",
      "const mayHold = endsAt >= 0;",
    ),
    by: ["brake"],
  },
  {
    name: "the drain takes any lost reply of a settle for success",
    edits: [
      {
        file: "src/broker/turn-request.ts",
        find: "settle && (mayHaveRun || settle.mayHaveRun) ? settle.expiresAt : 0",
        put: "settle ? 9e15 : 0",
      },
    ],
    by: ["model"],
  },
  {
    name: "the drain acknowledges what its handler failed",
    edits: [
      {
        file: "src/processor.ts",
        find: "return this.#stopper.wasAborted ? say.release : judgeThrown(error, message, this.#options.policy);",
        put: "return this.#stopper.wasAborted || error ? say.ack : judgeThrown(error, message, this.#options.policy);",
      },
    ],
  },
  {
    name: "the drain acknowledges what still runs when it leaves",
    edits: [
      {
        file: "src/processor.ts",
        find: "this.#ranCount += 1;\n        this.#outcomes[at] = say.keep;",
        put: "this.#ranCount += 1;\n        this.#outcomes[at] = say.ack;",
      },
    ],
  },
  {
    name: "each sending of a claim names a new batch",
    edits: [
      {
        file: "src/broker/turn-request.ts",
        find: 'claim?.id ?? "",',
        put: 'claim && mayHaveRun ? `${claim.id}9` : (claim?.id ?? ""),',
      },
    ],
    by: ["model"],
  },
];
