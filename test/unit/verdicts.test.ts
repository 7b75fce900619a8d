import { describe, expect, it } from "vitest";
import type { Failure, Message } from "../../src/index.ts";
import { ack, deadLetter, NonRetryableError, release, retry } from "../../src/index.ts";
import { processAll } from "../support/process-all.ts";

type Kind = "ack" | "retry" | "dead-letter" | "release";

const error = new Error("smtp down");
const textOf = (failure: Failure | undefined): string =>
  failure?.error instanceof Error ? failure.error.message : String(failure?.error);
const promised = <Value>(value: Value): Promise<Value> =>
  new Promise((resolve) => setImmediate(resolve, value));
const rejecting = (): Promise<never> => new Promise((_, reject) => setImmediate(reject, error));
const thrower = (): never => {
  throw new Error("cannot be read");
};
async function* unbegun(): AsyncGenerator<number> {
  yield 1;
}

/** What a handler returns, what becomes of its message, and of what kind the failure is. Add a row for what has been met. */
const single: readonly [name: string, returned: () => unknown, kind: Kind, failure?: string | RegExp][] = [
  ["nothing", () => undefined, "ack"],
  ["null", () => null, "ack"],
  ["a number", () => 7, "ack"],
  ["true", () => true, "ack"],
  ["false", () => false, "ack"],
  ["a text", () => "sent", "ack"],
  ["a row", () => ({ id: 7, status: "sent", name: "a" }), "ack"],
  ["a row with a status of its own", () => ({ id: 7, status: "rejected" }), "ack"],
  ["a row with another outcome", () => ({ id: 7, outcome: "delivered" }), "ack"],
  ["counts", () => ({ sent: 97, failed: 3 }), "ack"],
  ["an empty list of failed", () => ({ failed: [] }), "ack"],
  ["a response", () => new Response("no", { status: 500 }), "ack"],
  ["an array of rows", () => [{ id: 1 }, { id: 2 }], "ack"],
  ["an array of promises of rows", () => [promised({ id: 1 }), promised({ id: 2 })], "ack"],
  ["a Map", () => new Map([["a", 1]]), "ack"],
  ["a date", () => new Date(0), "ack"],
  ["ack", () => ack, "ack"],
  ["a promise of retry", () => promised(retry()), "retry"],
  ["retry", () => retry({ afterMs: 5 }), "retry"],
  ["release", () => release, "release"],
  ["deadLetter", () => deadLetter("no"), "dead-letter"],
  ["retry that was not called", () => retry, "retry", /a function, perhaps one that was to be called/],
  ["deadLetter that was not called", () => deadLetter, "retry", /a function/],
  ["another function", () => () => 1, "retry", /a function/],
  ["a promise of a function", () => promised(retry), "retry", /a function/],
  ["an error", () => error, "retry", "smtp down"],
  ["an error that is final", () => new NonRetryableError("gone"), "dead-letter", "gone"],
  [
    "a rejection, as allSettled tells it",
    () => ({ status: "rejected", reason: error }),
    "retry",
    "smtp down",
  ],
  ["several, one of them rejected", () => Promise.allSettled([1, rejecting()]), "retry", "smtp down"],
  ["retry, as allSettled tells it", () => ({ status: "fulfilled", value: retry() }), "retry"],
  ["promises, one of which rejects", () => [promised(1), rejecting()], "retry", "smtp down"],
  ["an array with an error", () => [1, error], "retry", "smtp down"],
  ["an outcome in an array", () => [retry()], "retry", /an array with verdicts in it/],
  ["an outcome in an array of arrays", () => [[1], [retry()]], "retry", /an array with verdicts in it/],
  ["an outcome in a Set", () => new Set([retry()]), "retry", /an object with verdicts in it/],
  [
    "an outcome in a result",
    () => ({ id: 7, result: { said: retry() } }),
    "retry",
    /an object with verdicts/,
  ],
  ["ack in a result", () => ({ id: 7, outcome: ack }), "retry", /an object with verdicts in it/],
  ["an error in a result", () => ({ data: null, error }), "retry", "smtp down"],
  [
    "rejections in a result",
    async () => ({ all: await Promise.allSettled([rejecting()]) }),
    "retry",
    "smtp down",
  ],
  ["a promise in a result that rejects", () => ({ id: 7, sent: rejecting() }), "retry", "smtp down"],
  ["a promise in a Map that rejects", () => new Map([["a", rejecting()]]), "retry", "smtp down"],
  ["a promise in a result", () => ({ id: 7, sent: promised(1) }), "ack"],
  ["a promise of an outcome in a result", () => ({ sent: promised(retry()) }), "retry", /verdicts in it/],
  ["a result with functions and words", () => ({ close: () => 1, action: "retry", error: null }), "ack"],
  ["what looks like ack", () => ({ outcome: "ack" }), "retry", /outcome: "ack"/],
  ["a row that looks like ack", () => ({ id: 7, outcome: "ack" }), "retry", /outcome: "ack"/],
  ["what looks like retry", () => ({ outcome: "retry", afterMs: 5 }), "retry", /outcome: "retry"/],
  ["an outcome that was copied", () => ({ ...retry() }), "retry", /outcome: "retry"/],
  [
    "an outcome that went through JSON",
    () => JSON.parse(JSON.stringify(deadLetter("no"))),
    "retry",
    /outcome: "dead-letter"/,
  ],
  ["the word for an outcome", () => "retry", "retry", /the text "retry"/],
  ["batchItemFailures", () => ({ batchItemFailures: [] }), "retry", /batchItemFailures/],
  ["failed, for one message", () => ({ failed: true }), "retry", /\{ failed \}/],
  ["failed, with a list", () => ({ failed: [1] }), "retry", /\{ failed \}/],
  ["failed, with a reason", () => ({ failed: "smtp down" }), "retry", /\{ failed \}/],
  ["a generator", () => unbegun(), "retry", /a generator, whose code has not run/],
];

describe("what a handler returns", () => {
  it.each(single)("%s", async (_, returned, kind, failure) => {
    const { outcomes, failures } = await processAll(1, { handler: returned as never });

    expect(outcomes.map((outcome) => outcome.kind)).toEqual([kind]);
    expect(failures).toHaveLength(failure === undefined ? 0 : 1);
    if (failure !== undefined) expect(textOf(failures[0])).toMatch(failure);
  });

  it("that is not understood fails with an error that says what to return", async () => {
    const { failures } = await processAll(1, { handler: () => retry as never });

    expect(failures[0]?.error).toMatchObject({ name: "SpillwayError", code: "handler-outcome" });
    expect(String(failures[0]?.error)).toContain("ack, release, retry(…), deadLetter(…)");
  });
});

type Returned = (messages: readonly Message[]) => unknown;
const three = (kind: Kind): Kind[] => [kind, kind, kind];

/** The same of a batch handler with three messages. */
const batches: readonly [name: string, returned: Returned, kinds: Kind[], failure?: string | RegExp][] = [
  ["nothing", () => undefined, three("ack")],
  ["rows, as many as there are messages", () => [{ id: 1 }, { id: 2 }, { id: 3 }], three("ack")],
  ["rows, more than there are messages", () => [1, 2, 3, 4], three("ack")],
  ["a response", () => new Response("no", { status: 500 }), three("ack")],
  ["one outcome for all", () => release, three("release")],
  ["one error for all", () => error, three("retry"), "smtp down"],
  [
    "outcomes, errors and rows",
    () => [deadLetter("no"), error, { id: 3 }],
    ["dead-letter", "retry", "ack"],
    "smtp down",
  ],
  ["promises", () => [promised(1), rejecting(), promised(release)], ["ack", "retry", "release"], "smtp down"],
  ["allSettled", () => Promise.allSettled([1, rejecting(), retry()]), ["ack", "retry", "retry"], "smtp down"],
  ["holes", () => Object.assign([], { length: 3, 1: error }), ["ack", "retry", "ack"], "smtp down"],
  ["a function among them", () => [1, retry, 3], ["ack", "retry", "ack"], /a function/],
  [
    "what looks like an outcome among them",
    () => [1, { outcome: "ack" }, 3],
    ["ack", "retry", "ack"],
    /outcome: "ack"/,
  ],
  ["failed", ([one]) => ({ failed: [one] }), ["retry", "ack", "ack"], /named this message as failed/],
  ["failed, none", () => ({ failed: [] }), three("ack")],
  ["failed, a Set", ([one, two]) => ({ failed: new Set([one, two]) }), ["retry", "retry", "ack"], /named/],
  [
    "failed, a Map with an outcome",
    ([one]) => ({ failed: new Map([[one, release]]) }),
    ["release", "ack", "ack"],
  ],
  [
    "failed, a Map with nothing",
    ([one]) => ({ failed: new Map([[one, undefined]]) }),
    ["retry", "ack", "ack"],
    /named/,
  ],
  [
    "failed, a Map with a text",
    ([one]) => ({ failed: new Map([[one, "down"]]) }),
    ["retry", "ack", "ack"],
    /^down$/,
  ],
  [
    "failed, a Map with true",
    ([one]) => ({ failed: new Map([[one, true]]) }),
    ["retry", "ack", "ack"],
    /named/,
  ],
  [
    "failed, a Map with a promise",
    ([one]) => ({ failed: new Map([[one, promised(1)]]) }),
    ["retry", "ack", "ack"],
    /named/,
  ],
  ["failed, one message", ([one]) => ({ failed: one }), three("retry"), /no array, other iterable or Map/],
  ["failed, a number", () => ({ failed: 1 }), three("retry"), /no array/],
  ["failed, nothing", () => ({ failed: undefined }), three("retry"), /no array/],
  ["failed, a promise", () => ({ failed: rejecting() }), three("retry"), /no array/],
  ["failed, a stranger", () => ({ failed: [{ id: 1 }] }), three("retry"), /no message of the batch/],
  ["failed, ids", ([one]) => ({ failed: [one?.id] }), three("retry"), /no message of the batch/],
  ["failed, promises", () => ({ failed: [rejecting()] }), three("retry"), /no message of the batch/],
  ["batchItemFailures", () => ({ batchItemFailures: [] }), three("retry"), /batchItemFailures/],
  ["an array of messages", ([one]) => [one], three("retry"), /an array of messages/],
  ["a Map by itself", ([one]) => new Map([[one, error]]), three("retry"), /a Map by itself/],
  ["a Set of messages", ([one]) => new Set([one]), three("retry"), /a Set by itself/],
  ["a Map of promises", ([one]) => new Map([[one, rejecting()]]), three("retry"), /a Map by itself/],
  [
    "outcomes by id",
    ([one]) => ({ [String(one?.id)]: retry() }),
    three("retry"),
    /messages or verdicts in it/,
  ],
  [
    "messages by a word",
    ([one]) => ({ retry: [one], done: [] }),
    three("retry"),
    /messages or verdicts in it/,
  ],
  [
    "errors with their messages",
    ([message]) => ({ errors: [{ message, error }] }),
    three("retry"),
    /messages or/,
  ],
  ["a promise in an object", () => ({ sent: rejecting() }), three("retry"), /messages or verdicts in it/],
  ["promises in an array in an array", () => [[rejecting()]], three("retry"), /1 outcomes for 3 messages/],
  [
    "outcomes in objects",
    () => [{ id: 1 }, { id: 2, outcome: retry() }, { id: 3, error }],
    ["ack", "retry", "retry"],
    /an object with verdicts in it|smtp down/,
  ],
  [
    "promises in objects",
    () => [{ a: promised(1) }, { a: rejecting() }, 3],
    ["ack", "retry", "ack"],
    "smtp down",
  ],
  [
    "an element that cannot be read",
    () => Object.defineProperty([1, 2, 3], 1, { get: thrower }),
    ["ack", "retry", "ack"],
    "cannot be read",
  ],
  [
    "an element whose traps throw",
    () => [new Proxy({}, { get: thrower }), 2, 3],
    ["retry", "ack", "ack"],
    "cannot be read",
  ],
  [
    "too few elements that cannot be read",
    () => [new Proxy({}, { get: thrower })],
    three("retry"),
    /1 outcomes/,
  ],
  ["too few outcomes", () => [retry()], three("retry"), /1 outcomes for 3 messages/],
  ["too many outcomes", () => [ack, ack, ack, ack], three("retry"), /4 outcomes for 3 messages/],
  ["too few promises", () => [rejecting()], three("retry"), /1 outcomes for 3 messages/],
  ["retry that was not called", () => retry, three("retry"), /a function/],
  ["what looks like ack", () => ({ outcome: "ack" }), three("retry"), /outcome: "ack"/],
  ["a generator", () => unbegun(), three("retry"), /a generator/],
  [
    "failed, of messages in another order than they were given",
    (messages) => ({ failed: [(messages as unknown[]).reverse()[0]] }),
    three("retry"),
    /read only/,
  ],
  [
    "nothing, with messages taken away",
    (messages) => void (messages as unknown[]).shift(),
    three("retry"),
    /./,
  ],
];

describe("what a batch handler returns", () => {
  it.each(batches)("%s", async (_, returned, kinds, failure) => {
    const { outcomes, failures } = await processAll(3, { batchHandler: returned as never });

    expect(outcomes.map((outcome) => outcome.kind)).toEqual(kinds);
    expect(failures.length > 0).toBe(failure !== undefined);
    if (failure !== undefined) expect(textOf(failures[0])).toMatch(failure);
  });
});

describe("outcomes and errors of another copy of the package", () => {
  it.each([
    ["ack", "ack"],
    ["release", "release"],
    ["retry", "retry"],
    ["deadLetter", "dead-letter"],
  ])("%s means the same", async (name, kind) => {
    const copy = await import(new URL("../../dist/index.js", import.meta.url).href);
    const isMade = ["retry", "deadLetter"].includes(name);
    const said = isMade ? copy[name]("no") : copy[name];
    for (const returned of [said, [said, said, said]]) {
      const { outcomes } = await processAll(3, { batchHandler: () => returned });
      expect(outcomes.map((outcome) => outcome.kind)).toEqual(three(kind as Kind));
    }
    const { failures } = await processAll(1, { handler: () => said });
    expect(failures).toEqual([]);
  });

  it("thrown errors mean the same", async () => {
    const { NonRetryableError: Final, Overloaded: Full } = await import(
      new URL("../../dist/index.js", import.meta.url).href
    );
    const thrown = [new Final("gone"), new Full({ untilMs: 5 })];
    const { outcomes } = await processAll(2, { batchHandler: () => thrown });
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(["dead-letter", "overloaded"]);
  });
});
