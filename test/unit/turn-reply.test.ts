import { describe, expect, it } from "vitest";
import { readTurnReply } from "../../src/broker/turn-reply.ts";
import { RedisProtocolError, type RedisReply } from "../../src/index.ts";

const good: RedisReply[] = [1, 1, ["a"], [], 5, 6, 0, -1, -1, "", 1, "", 6, [], 7, 0, ["d.1"], 9, 2, 1];

describe("the turn script's reply", () => {
  it("is read field by field; what is not known is null", () => {
    expect(readTurnReply(good)).toEqual({
      settled: "settled",
      claimed: "served",
      messages: ["a"],
      histories: [],
      now: 5,
      expiresAt: 6,
      recovered: 0,
      nextDueAt: null,
      remaining: null,
      settledCodes: "",
      quiet: 1,
      problem: null,
      calls: 6,
      deadLetters: [],
      busyUntil: 7,
      finishedCount: 0,
      expiredIds: ["d.1"],
      largest: 9,
      others: { count: 2, before: 1 },
    });
  });

  it.each<[string, RedisReply]>([
    ["null, as an aborted request of a careless client gives", null],
    ["a string", "OK"],
    ["too few fields", good.slice(1)],
    ["an unknown word", [9, ...good.slice(1)]],
    ["payloads that are no strings", [...good.slice(0, 2), [1], ...good.slice(3)]],
    ["a null among the numbers", [...good.slice(0, 4), null, ...good.slice(5)]],
  ])("is refused when it is %s", (_, reply) => {
    expect(() => readTurnReply(reply)).toThrow(RedisProtocolError);
  });

  it.each([
    ["as Redis 7 words it", "WRONGTYPE Operation against a key holding the wrong kind of value"],
    [
      "as Redis 6 words it",
      "@user_script: 12: -WRONGTYPE Operation against a key holding the wrong kind of value",
    ],
  ])("names the command that was refused, its key and the cure, %s", (_, words) => {
    const text = `ZADD {mail}:leases\n${words}`;
    const { problem } = readTurnReply([...good.slice(0, 11), text, ...good.slice(12)]);
    expect(problem?.prefix).toBe("WRONGTYPE");
    expect(problem?.message).toBe(
      'WRONGTYPE Operation against a key holding the wrong kind of value (ZADD "{mail}:leases"). Another program keeps a value of another type in this key: use another list name, or move that value.',
    );
  });

  it.each([
    ["as Redis 7 words it", "ERR Unknown Redis command called from script script: 1f, on @user_script:9."],
    ["as Redis 6 words it", "@user_script: 9: Unknown Redis command called from Lua script"],
  ])("names a command that the server does not know, and what that means, %s", (_, words) => {
    const { problem } = readTurnReply([...good.slice(0, 11), `LPUSH mail\n${words}`, ...good.slice(12)]);
    expect(problem?.message).toBe(
      "ERR unknown command LPUSH. It is renamed or disabled on this server; Spillway needs it.",
    );
  });
});
