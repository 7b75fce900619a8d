import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { eventNames } from "../../src/events/events.ts";
import { createDrain, type DrainOptions, type DrainReport } from "../../src/index.ts";
import { finish, hostileValues } from "../support/hostile-values.ts";
import { ManualClock } from "../support/manual-clock.ts";

const budgetMs = 5_000;

type Options = Partial<Record<keyof DrainOptions, unknown>>;
type Make = () => unknown;

/** What of the user's a run calls, when it throws or answers with what `make` gives. Add a row for a new option. */
const calls: readonly [
  name: string,
  throwing: (make: Make) => Options,
  answering: (make: Make) => Options,
][] = [
  both("handler", (call) => ({ handler: call })),
  both("batchHandler", (call) => ({ handler: undefined, batchHandler: call })),
  both("the array of a batchHandler", (call) => ({
    handler: undefined,
    batchHandler: (messages: unknown[]) => messages.map(call),
  })),
  both("the failed of a batchHandler", (call) => ({
    handler: undefined,
    batchHandler: () => ({ failed: call() }),
  })),
  both("the result of a handler, inside,", (call) => ({
    handler: () => ({ sent: new Map([["a", call()]]) }),
  })),
  both("the result of a batchHandler, inside,", (call) => ({
    handler: undefined,
    batchHandler: () => ({ sent: new Set([call()]) }),
  })),
  both("batchBy", (call) => ({ handler: undefined, batchHandler: () => undefined, batchBy: call })),
  both("batchBy, inside its group,", (call) => ({
    handler: undefined,
    batchHandler: () => undefined,
    batchBy: () => ({ key: call(), size: call() }),
  })),
  both("codec", (call) => ({
    codec: { decode: call },
    handler: (message: { value: unknown }) => void message.value,
  })),
  both("schema", (call) => ({ schema: { "~standard": { version: 1, vendor: "test", validate: call } } })),
  both("the issues of a schema", (call) => ({
    schema: { "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [call()] }) } },
  })),
  both("the path of a schema's issue", (call) => ({
    schema: {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: () => ({ issues: [{ message: call(), path: [call()] }] }),
      },
    },
  })),
  both("retryDelay", (call) => ({ handler: fail, retryDelay: call })),
  both("random", (call) => ({ handler: fail, random: call })),
  ...eventNames.map((name) =>
    both(`a listener to ${name}`, (call) => ({
      handler: fail,
      maxAttempts: name === "message:dead-lettered" ? 1 : 2,
      brake: { after: 1 },
      on: { [name]: call },
    })),
  ),
  both("sentAt", (call) => ({ sentAt: call })),
  both("continuation.invoke", (call) => ({ continuation: { name: "hostile", invoke: call }, handler: slow })),
  both("continuation.invokeLater", (call) => ({
    continuation: { name: "hostile", invoke: async () => null, invokeLater: call },
    handler: fail,
  })),
  both("randomId", (call) => ({ randomId: call })),
  both("clock.now", (call) => ({ clock: { now: call, after: () => () => undefined } })),
  both("clock.after", (call) => ({ clock: { now: () => 0, after: call } })),
];

function both(name: string, given: (call: Make) => Options): (typeof calls)[number] {
  return [
    name,
    (make) =>
      given(() => {
        throw make();
      }),
    given,
  ];
}

function fail(): never {
  throw new Error("no");
}

/** Runs until the drain's time ends, so that there is something to continue. */
function slow({ signal }: { signal: AbortSignal }): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

async function run(options: Options): Promise<DrainReport> {
  const redis = memory();
  const clock = new ManualClock();
  await redis.command(["LPUSH", "mail", "1", "2", "3"]);
  const drain = createDrain({
    redis,
    list: "mail",
    clock,
    handler: () => undefined,
    ...options,
  } as DrainOptions);
  return finish(clock, drain.run({ budgetMs }));
}

/** Here no promise belongs, and nobody waits for one. */
const takesNoPromise = ["the issues of a schema", "the path of a schema's issue", "clock.now", "clock.after"];

function held(make: Make): Make {
  return () => {
    const value = make();
    if (value instanceof Promise) value.catch(() => undefined);
    return value;
  };
}

describe("a run never rejects, and no promise of a guest's is left to reject unhandled", () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  beforeEach(() => {
    unhandled.length = 0;
    process.on("unhandledRejection", note);
  });
  afterEach(async () => {
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });

  const madeFor = (call: string, make: Make): Make => (takesNoPromise.includes(call) ? held(make) : make);

  it.each(calls)("when %s throws", async (call, throwing) => {
    for (const [name, make] of hostileValues) await endsWell(name, throwing(madeFor(call, make)));
  });

  it.each(calls)("when %s answers", async (call, _, answering) => {
    for (const [name, make] of hostileValues) await endsWell(name, answering(madeFor(call, make)));
  });

  it.each(calls)("when %s never answers, by the end of its budget", async (call, __, answering) => {
    if (call.startsWith("clock")) return;
    const report = await run(answering(() => new Promise(() => undefined)));
    expect(report.elapsedMs).toBeLessThanOrEqual(budgetMs);
  });

  it.each(calls)("when %s answers after the run, with a rejection", async (call, _, answering) => {
    if (takesNoPromise.includes(call)) return;
    const rejects: ((error: Error) => void)[] = [];
    await run(answering(() => new Promise((_resolve, reject) => rejects.push(reject))));
    for (const reject of rejects) reject(new Error("late"));
  });
});

async function endsWell(name: string, options: Options): Promise<void> {
  const report = await run(options).catch((error: unknown) => {
    throw new Error(`The run rejected for ${name}.`, { cause: error });
  });
  const { error, ...rest } = report;
  expect(JSON.stringify({ ...rest, error: error?.message }), name).toContain('"stopped"');
}
