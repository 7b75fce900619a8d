import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ack, type Effect, forward, type HandlerOutcome, OptionError } from "../../src/index.ts";
import { processAll } from "../support/process-all.ts";

/** What is refused where it is made, and what the error says of it. Add yours. */
const refused: readonly (readonly [what: string, effects: unknown, says: RegExp])[] = [
  ["no array", "INCR", /"effects" must be an array of commands/],
  ["a text as a command", ["INCR k"], /effects\[0\].*an array such as/],
  ["a promise of a command", () => [Promise.reject(new Error("no"))], /effects\[0\]/],
  ["no command", [[]], /effects\[0\]/],
  ["a sparse array", [Array(3)], /effects\[0\]/],
  ["an unknown command", [["INCRBX", "k", 1]], /INCRBX, which is none of them/],
  ["a name of two lines", [["INCR\nDEL", "k"]], /^[^\n]*INCR\\nDEL, which is none of them/],
  ["a command that reads", [["GET", "k"]], /GET, which is none of them/],
  ["one that waits", [["BLPOP", "k", 1]], /which waits/],
  ["one that waits, in small letters", [["blmove", "k", "l", "LEFT", "LEFT", 0]], /which waits/],
  ["a script", [["EVAL", "return 1", 0]], /which runs a script/],
  ["a message to subscribers", [["PUBLISH", "k", "a"]], /not a key in the list's slot/],
  ["one that changes the connection", [["SELECT", 1]], /changes the connection/],
  ["one about the server", [["FLUSHALL"]], /acts on the whole server/],
  ["too few words", [["INCRBY", "k"]], /INCRBY with 2 arguments; got 1/],
  ["too many words", [["INCR", "k", 1]], /INCR with 1 arguments; got 2/],
  ["NaN", [["INCRBY", "k", Number.NaN]], /effects\[0\]\[2\].*NaN/],
  ["Infinity", [["INCRBY", "k", Number.POSITIVE_INFINITY]], /effects\[0\]\[2\]/],
  ["a number with an exponent", [["INCRBY", "k", 1e21]], /effects\[0\]\[2\].*1e\+21/],
  ["a number that is not exact", [["INCRBY", "k", 2 ** 53]], /effects\[0\]\[2\]/],
  ["a small fraction", [["INCRBYFLOAT", "k", 1e-7]], /effects\[0\]\[2\]/],
  ["undefined", [["SET", "k", undefined]], /effects\[0\]\[2\]/],
  ["null", [["SET", "k", null]], /effects\[0\]\[2\]/],
  ["a boolean", [["SET", "k", true]], /effects\[0\]\[2\]/],
  ["a bigint", [["INCRBY", "k", 1n]], /effects\[0\]\[2\]/],
  ["an object", [["SET", "k", { a: 1 }]], /effects\[0\]\[2\]/],
  ["a promise", () => [["SET", "k", Promise.reject(new Error("no"))]], /effects\[0\]\[2\]/],
  ["a symbol", [["SET", "k", Symbol("no")]], /effects\[0\]\[2\]/],
  ["a key that is none", [["SET", {}, 1]], /effects\[0\]\[1\]/],
  ["a getter that throws", [throwing()], /effects\[0\].*can be read/],
  ["a million effects", Array.from({ length: 1e6 }, () => ["INCR", "k"]), /at most 100/],
  ["a length that lies", new Proxy([], { get: () => 1e9 }), /"effects"/],
  ["a million words", [["SADD", "k", ...Array.from({ length: 1e5 }, () => "x")]], /at most 4000/],
  ["too many bytes", [["SET", "k", "x".repeat(600_000)]], /at most 524288 bytes/],
  [
    "two types of one key",
    [
      ["INCR", "k"],
      ["LPUSH", "k", "a"],
    ],
    /one for a string and one for a list/,
  ],
];

function throwing(): unknown[] {
  return Object.defineProperty(["INCR"], 1, {
    get() {
      throw new Error("no");
    },
  });
}

describe("ack with effects", () => {
  it.each(refused)("refuses %s where it is made", (_, effects, says) => {
    const make = (): unknown => ack({ effects: madeOf(effects) as Effect[] });
    expect(make).toThrow(OptionError);
    expect(make).toThrow(says);
  });

  it("shows of a wrong word no text that it was given", () => {
    for (const effects of [[["SET", "k", "a secret", "EX", {}]], [["SETX", "a secret"]]]) {
      expect(() => ack({ effects: effects as never })).toThrow(/^(?!.*a secret)/s);
    }
  });

  it.each([
    ["no options", () => ack()],
    ["no effects", () => ack({})],
    ["an empty list of them", () => ack({ effects: [] })],
    ["undefined", () => ack({ effects: undefined } as never)],
  ])("is ack itself with %s", (_, make) => {
    expect(make()).toBe(ack);
  });

  it.each([
    ["what a promise gave", { status: 200 }],
    ["a text", "done"],
    ["null", null],
  ])("says that it takes options where it is called with %s", (_, given) => {
    expect(() => ack(given as never)).toThrow(OptionError);
  });

  it("cannot be changed after it was made", async () => {
    const command: [string, string, number] = ["INCRBY", "{q}:n", 1];
    const effects = [command];
    const said = ack({ effects });
    command[2] = 5;
    effects.length = 0;
    expect(await wordsOf(said)).toEqual([["INCRBY", "{q}:n", "1"]]);
  });

  it("takes names in any letters, and numbers, texts and bytes as they are", async () => {
    const bytes = new Uint8Array([0, 255]);
    const said = ack({ effects: [["hset", "{q}:h", "n", -0, "f", 1.5, "b", bytes, "é", ""]] });
    expect(await wordsOf(said)).toEqual([
      ["HSET", "{q}:h", "n", "0", "f", "1.5", "b", "\u0000\u00ff", "\u00c3\u00a9", ""],
    ]);
  });

  it("never throws anything but an OptionError, whatever it is given", () => {
    fc.assert(
      fc.property(
        fc.array(fc.anything({ withSparseArray: true, withTypedArray: true, withBigInt: true })),
        (effects) => {
          try {
            ack({ effects: effects as never });
          } catch (error) {
            expect(error).toBeInstanceOf(OptionError);
          }
        },
      ),
    );
  });
});

describe("forward", () => {
  it.each([
    ["no list", "", "a", /"list"/],
    ["a list that is no text", 5, "a", /"list"/],
    ["no payload", "{q}:next", [], /at least one message/],
    ["a number", "{q}:next", 5, /"payloads"/],
    ["a promise", "{q}:next", () => Promise.reject(new Error("no")), /"payloads"/],
    ["a circle", "{q}:next", circle(), /cannot encode/],
    ["endless payloads", "{q}:next", endless(), /at most 3998 messages/],
  ])("refuses %s where it is made", (_, list, payloads, says) => {
    expect(() => forward(list as never, madeOf(payloads) as never)).toThrow(says);
  });

  it("fails its message as any error of a handler does where the codec cannot encode a payload", async () => {
    const { outcomes } = await processAll(1, { handler: () => forward("{q}:next", circle()) });
    expect(outcomes).toMatchObject([{ kind: "retry", isFailure: true }]);
  });

  it("pushes in the order given: texts, bytes, and objects as JSON", async () => {
    const said = forward("{q}:next", ["a", new Uint8Array([255]), { to: 1 }, [1]], {
      effects: [["INCR", "{q}:n"]],
    });
    expect(await wordsOf(said)).toEqual([
      ["LPUSH", "{q}:next", "a", "\u00ff", '{"to":1}', "[1]"],
      ["INCR", "{q}:n"],
    ]);
  });
});

/** A promise that rejects is made where it is used. */
function madeOf(value: unknown): unknown {
  return typeof value === "function" ? value() : value;
}

function circle(): object {
  const it: Record<string, unknown> = {};
  it.it = it;
  return it;
}

function* endless(): Generator<string> {
  for (;;) yield "a";
}

/** The words of the commands that come of an outcome. */
async function wordsOf(said: HandlerOutcome): Promise<unknown[][]> {
  const { outcomes } = await processAll(1, { handler: () => said, list: "q" });
  const commands = outcomes[0]?.effects?.commands ?? [];
  return commands.map((command) => command.map((word) => (typeof word === "string" ? word : word.key)));
}
