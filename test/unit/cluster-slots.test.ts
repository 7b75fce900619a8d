import { describe, expect, it } from "vitest";
import { hashSlot, routingKey } from "../../adapters/redis/hash-slot.ts";
import { reachBy, redirectionIn, SlotMap } from "../../adapters/redis/slot-map.ts";
import { fromText, type RedisCommand, RedisProtocolError, RedisReplyError } from "../../src/index.ts";

const asked = { host: "asked.test", port: 7000 };
const asIs = reachBy(undefined);

describe("the slot of a key", () => {
  // Of the cluster specification, and of `CLUSTER KEYSLOT`.
  it.each([
    ["123456789", 12_739],
    ["foo", 12_182],
    ["", 0],
    ["{user1000}.following", hashSlot("user1000")],
    ["foo{}{bar}", 8_363],
    ["foo{{bar}}zap", hashSlot("{bar")],
    ["foo{bar}{zap}", hashSlot("bar")],
    [fromText("Grüße"), 8_844],
  ])("%j is the one Redis gives it", (key, slot) => {
    expect(hashSlot(key)).toBe(slot);
  });
});

describe("the key by which a command finds its node", () => {
  it.each<[RedisCommand, string | undefined]>([
    [["LPUSH", "list", "payload"], "list"],
    [["lpush", "list", "payload"], "list"],
    [["EVALSHA", "digest", 2, "one", "two", "argument"], "one"],
    [["eval", "script", 0, "argument"], undefined],
    [["FCALL", "name", "1", "one"], "one"],
    [["OBJECT", "ENCODING", "key"], "key"],
    [["TIME"], undefined],
    [["SCAN", "0", "MATCH", "{a}*"], undefined],
    [["PING"], undefined],
    [["GET", 5], "5"],
    [["NOSUCH"], undefined],
  ])("of %j is %j", (command, key) => {
    expect(routingKey(command)).toBe(key);
  });
});

describe("where a node sends a command on to", () => {
  it.each([
    ["MOVED 3999 10.0.0.1:6381", { kind: "MOVED", slot: 3_999, address: { host: "10.0.0.1", port: 6_381 } }],
    ["ASK 0 node.test:1", { kind: "ASK", slot: 0, address: { host: "node.test", port: 1 } }],
    ["MOVED 1 ::1:6381", { kind: "MOVED", slot: 1, address: { host: "::1", port: 6_381 } }],
    // A node that does not know its own name.
    ["MOVED 1 :6381", { kind: "MOVED", slot: 1, address: { host: asked.host, port: 6_381 } }],
    ["MOVED 1 ?:6381", { kind: "MOVED", slot: 1, address: { host: asked.host, port: 6_381 } }],
    ["MOVED 16384 10.0.0.1:6381", undefined],
    ["MOVED x 10.0.0.1:6381", undefined],
    ["MOVED", undefined],
    ["ERR MOVED 1 10.0.0.1:6381", undefined],
    ["TRYAGAIN Multiple keys request during rehashing of slot", undefined],
  ])("%j", (text, redirection) => {
    expect(redirectionIn(new RedisReplyError(text), asked, asIs)).toEqual(redirection);
  });

  it.each([
    ["a table", { "10.0.0.1:6381": { host: "outside.test", port: 1 } }],
    [
      "a function",
      (place: string) => (place === "10.0.0.1:6381" ? { host: "outside.test", port: 1 } : undefined),
    ],
  ])("is where the user says it is reached, by %s", (_, map) => {
    const at = (text: string) => redirectionIn(new RedisReplyError(text), asked, reachBy(map))?.address;
    expect(at("MOVED 1 10.0.0.1:6381")).toEqual({ host: "outside.test", port: 1 });
    expect(at("MOVED 1 10.0.0.2:6381")).toEqual({ host: "10.0.0.2", port: 6_381 });
  });
});

describe("CLUSTER SLOTS", () => {
  it("tells the master of each slot, and every node", () => {
    const slots = new SlotMap();
    slots.read(
      [
        [0, 99, ["10.0.0.1", 1, "id", []], ["10.0.0.9", 9, "id"]],
        [100, 100, [null, 2, "id"]],
        [101, 16_000, ["", 3]],
      ],
      asked,
      asIs,
    );
    expect([0, 99, 100, 101, 16_001].map((slot) => slots.ownerOf(slot))).toEqual([
      { host: "10.0.0.1", port: 1 },
      { host: "10.0.0.1", port: 1 },
      { host: asked.host, port: 2 },
      { host: asked.host, port: 3 },
      undefined,
    ]);
    expect([...slots.known.keys()]).toEqual(["10.0.0.1:1", "10.0.0.9:9", "asked.test:2", "asked.test:3"]);
  });

  it.each([[null], [5], [["x"]], [[[0, 1]]], [[[0, "1", ["h", 1]]]], [[[0, 1, ["h", "1"]]]]])(
    "that is no such answer is an error, and changes nothing: %j",
    (reply) => {
      const slots = new SlotMap();
      slots.read([[0, 16_383, ["h", 1]]], asked, asIs);
      expect(() => slots.read(reply, asked, asIs)).toThrow(RedisProtocolError);
      expect(slots.ownerOf(5)).toEqual({ host: "h", port: 1 });
    },
  );
});
