import { afterEach, describe, expect, it, vi } from "vitest";
import { createTestDrain, type Fate, StalledError, type TestDrain } from "../../adapters/testing/index.ts";
import {
  ack,
  deadLetter,
  forward,
  idempotent,
  type Message,
  NonRetryableError,
  Overloaded,
  release,
  retry,
} from "../../src/index.ts";

type Mail = Message<{ to: string }>;

const fail = (): never => {
  throw new Error("no such mailbox");
};

describe("a handler of the user's, through the real drain", () => {
  it.each([
    ["returns nothing", () => undefined, "acked"],
    ["returns ack", () => ack, "acked"],
    ["throws", fail, "dead"],
    ["rejects", async () => fail(), "dead"],
    ["returns an error", () => new Error("no such mailbox") as never, "dead"],
    ["returns deadLetter(…)", () => deadLetter("no such mailbox"), "dead"],
    ["throws a NonRetryableError", () => Promise.reject(new NonRetryableError("no")), "dead"],
    ["asks for another attempt each time", () => retry({ afterMs: 60_000 }), "dead"],
    ["forwards the message", ({ bytes }: Mail) => forward("{test}:next", bytes), "acked"],
  ] as const)("one that %s", async (_, handler, became) => {
    const kit = createTestDrain({ handler, maxAttempts: 3 });
    await kit.push({ to: "ada" });
    const report = await kit.drainUntilEmpty();
    expect(report).toMatchObject({ acked: 0, dead: 0, [became]: 1, crashes: 0, lost: 0 });
    kit.expect({ to: "ada" }, became);
  });

  it("is tried again when its retry comes due, by the test's own time and at once by the real one", async () => {
    const moments: number[] = [];
    const kit = createTestDrain({
      handler: () => {
        moments.push(kit.clock.now());
        fail();
      },
      maxAttempts: 4,
      retryDelay: ({ attempt }) => attempt * 3_600_000,
    });
    await kit.push("a");
    const { runs, elapsedMs } = await kit.drainUntilEmpty();
    expect(moments.map((at) => (at - (moments[0] as number)) / 3_600_000)).toEqual([0, 1, 3, 6]);
    expect({ runs, elapsedMs }).toEqual({ runs: 4, elapsedMs: 6 * 3_600_000 });
    kit.expect("a", { became: "dead", attempts: 4, runs: 4, reason: "exhausted", error: "Error: no such" });
  });

  it.each<[string, (kit: TestDrain) => Promise<unknown>, wanted: number[]]>([
    ["delayed ones when they are due", (kit) => kit.drain.push(["1"], { delayMs: 86_400_000 }), [86_400_000]],
    [
      "limited ones when the next window opens",
      async (kit) => {
        await kit.drain.limits.set({ messages: 2, windowMs: 60_000 });
        await kit.push("1", "2", "3", "4", "5");
      },
      [0, 0, 60_000, 60_000, 120_000],
    ],
    [
      "those of a key with a limit of its own when its next window opens",
      async (kit) => {
        await kit.drain.limits.set({ perKey: { messages: 1, windowMs: 60_000 } });
        await kit.push({ to: "ada" }, { to: "ada", again: true }, { to: "bob" });
      },
      [0, 0, 60_001],
    ],
  ])("runs %s", async (_, arrange, wanted) => {
    const moments: number[] = [];
    const kit = createTestDrain({
      handler: () => void moments.push(kit.clock.now()),
      order: { byKey: "to" },
    });
    const startedAt = kit.clock.now();
    await arrange(kit);
    await kit.drainUntilEmpty();
    expect(moments.map((at) => at - startedAt)).toEqual(wanted);
  });

  it("is held by the brake, and let go when what it depends on works again", async () => {
    let calls = 0;
    const kit = createTestDrain({
      handler: () => {
        if (++calls < 4) throw new Overloaded({ untilMs: kit.clock.now() + 600_000 });
      },
      concurrency: 1,
    });
    await kit.push("a", "b");
    const { acked, elapsedMs } = await kit.drainUntilEmpty();
    expect(acked).toBe(2);
    expect(elapsedMs).toBeGreaterThanOrEqual(600_000);
  });

  it.each([
    ["the plain engine", { engine: "plain" }],
    ["strict order", { order: "strict" }],
    ["an order by key", { order: { byKey: "to" } }],
    ["one batch ahead", { batchSize: 1, prefetch: 1 }],
    ["a lease of its own", { leaseMs: 20_000 }],
    ["several drains at once", { maxConcurrency: 3 }],
  ] as const)("works with %s, over a crash, a failure and lost replies", async (_, options) => {
    const handled: string[] = [];
    const kit = createTestDrain<{ to: string }>({
      ...options,
      handler: ({ value, attempt }) => {
        if (value.to === "bob" && attempt < 3) throw new Error("greylisted");
        handled.push(value.to);
      },
    });
    await kit.push({ to: "ada" }, { to: "bob" }, { to: "cyd" });
    kit.loseReplies(2);
    kit.crashAfter(2);
    const report = await kit.drainUntilEmpty();
    expect(report).toMatchObject({ acked: 3, dead: 0, crashes: 1, lost: 2 });
    expect(new Set(handled)).toEqual(new Set(["ada", "bob", "cyd"]));
    expect(kit.outcomes().map(({ became }) => became)).toEqual(["acked", "acked", "acked"]);
  });

  it("may be a batch handler, an idempotent one, one with a schema, and one with effects", async () => {
    const seen: string[] = [];
    const batches = createTestDrain({
      batchHandler: (messages) => ({ failed: messages.filter(({ payload }) => payload === '"b"') }),
      batchBy: async ({ payload }) => payload,
      maxAttempts: 2,
    });
    await batches.push('"a"', '"b"');
    await batches.drainUntilEmpty();
    batches.expect('"a"', { became: "acked", runs: 1 });
    batches.expect('"b"', { became: "dead", runs: 2 });

    const once = createTestDrain({
      handler: idempotent(({ payload }) => void seen.push(payload), { ttlMs: 600_000 }),
      concurrency: 1,
    });
    await once.push("a", "b");
    // It dies after the mark of the first and before its settle.
    once.crashAfter(2);
    await once.drainUntilEmpty();
    expect(seen).toEqual(["a", "b", "b"]);

    const checked = createTestDrain({
      schema: {
        "~standard": {
          version: 1 as const,
          vendor: "test",
          validate: async (value: unknown) => {
            await new Promise((resolve) => setTimeout(resolve, 5));
            return value === 1 ? { value: 1 } : { issues: [{ message: "must be 1" }] };
          },
        },
      },
      handler: async () => ack({ effects: [["INCR", "{test}:count"]] }),
    });
    await checked.push("1", "2");
    await checked.drainUntilEmpty();
    checked.expect("1", "acked");
    checked.expect("2", { became: "dead", reason: "invalid", runs: 0, error: /must be 1/ });
    expect(await checked.redis.command(["GET", "{test}:count"])).toBe("1");
  });
});

describe("faults on demand", () => {
  it("a process that dies between its handlers and its settle leaves its messages leased, and the next recovers them", async () => {
    const kit = createTestDrain({ handler: () => undefined, concurrency: 1, leaseMs: 30_000 });
    await kit.push("a", "b", "c");
    kit.crashAfter(2);
    expect(await kit.run()).toBe("crashed");
    expect(kit.outcomes().map(({ became, runs }) => [became, runs])).toEqual([
      ["working", 1],
      ["working", 1],
      ["working", 0],
    ]);
    expect(await kit.run()).toMatchObject({ stopped: "busy", claimed: 0 });
    await kit.clock.advance(30_001);
    expect(await kit.run()).toMatchObject({ stopped: "empty", recovered: 3, acked: 3 });
    kit.expect("a", { became: "acked", runs: 2, attempts: 2 });
    kit.expect("c", { became: "acked", runs: 1 });
  });

  it("a message that kills its process each time is a dead letter in the end, and the others are acknowledged", async () => {
    const kit: TestDrain = createTestDrain({
      handler: ({ payload }) => (payload === "poison" ? kit.crash() : undefined),
      maxAttempts: 4,
    });
    await kit.push("a", "poison", "b");
    const { crashes } = await kit.drainUntilEmpty();
    expect(crashes).toBe(4);
    kit.expect("poison", { became: "dead", reason: "crashed", attempts: 4 });
    kit.expect("a", "acked");
    kit.expect("b", "acked");
  });

  it("a crash before the first handler has none of them run", async () => {
    const kit = createTestDrain({ handler: fail });
    await kit.push("a");
    kit.crashAfter(0);
    expect(await kit.run()).toBe("crashed");
    kit.expect("a", { became: "working", runs: 0 });
  });

  it.each([
    ["lost replies of a claim and a settle", (kit: TestDrain) => kit.loseReplies(2), 2],
    ["lost requests", (kit: TestDrain) => kit.loseRequests(3), 3],
    ["more lost replies than are sent again", (kit: TestDrain) => kit.loseReplies(8), 8],
  ])("%s have no handler run twice", async (_, arrange, lost) => {
    let runs = 0;
    const kit = createTestDrain({
      handler: () => {
        runs += 1;
      },
    });
    await kit.push("a");
    arrange(kit);
    expect(await kit.drainUntilEmpty()).toMatchObject({ acked: 1, lost });
    expect(runs).toBe(1);
  });

  it("faults are of the drain that runs: pushing and looking are not concerned", async () => {
    const kit = createTestDrain({ handler: () => undefined });
    kit.loseRequests(5);
    await kit.push("a");
    expect(await kit.drain.stats()).toMatchObject({ list: 1 });
  });
});

describe("the time of a test", () => {
  afterEach(() => void vi.useRealTimers());

  it("stands still while a handler works, however long that takes", async () => {
    const kit = createTestDrain({
      handler: () => new Promise((resolve) => setTimeout(resolve, 30)),
      handlerTimeoutMs: 1,
    });
    await kit.push("a");
    expect(await kit.drainUntilEmpty()).toMatchObject({ acked: 1, elapsedMs: 0 });
  });

  it("passes in a handler that says so, ends it by handlerTimeoutMs, and aborts its signal", async () => {
    const aborts: unknown[] = [];
    const kit = createTestDrain({
      handler: async ({ signal, attempt }) => {
        signal.addEventListener("abort", () => aborts.push(signal.reason.name));
        if (attempt === 1) await kit.clock.advance(10_000);
      },
      handlerTimeoutMs: 5_000,
    });
    await kit.push("a");
    await kit.drainUntilEmpty();
    expect(aborts).toEqual(["HandlerTimeoutError"]);
    kit.expect("a", { became: "acked", runs: 2, error: "HandlerTimeoutError" });
  });

  it("passes once for handlers that take their time side by side", async () => {
    const kit: TestDrain = createTestDrain({ handler: () => kit.clock.advance(2_000), concurrency: 5 });
    await kit.push("a", "b", "c", "d", "e");
    expect(await kit.drainUntilEmpty()).toMatchObject({ acked: 5, elapsedMs: 2_000 });
  });

  it("passes beside a handler that hangs: the budget ends, and the message comes back with its lease", async () => {
    const kit = createTestDrain({
      handler: ({ attempt }) => (attempt === 1 ? new Promise(() => undefined) : undefined),
    });
    await kit.push("a");
    const [report] = await Promise.all([kit.run({ budgetMs: 20_000 }), kit.clock.advance(20_000)]);
    expect(report).toMatchObject({ stopped: "budget", acked: 0 });
    kit.expect("a", "working");
    await kit.drainUntilEmpty();
    kit.expect("a", { became: "acked", attempts: 2 });
  });

  it("does not hang with a handler that does: the run rejects, and says which and what to do", async () => {
    const kit = createTestDrain({ handler: () => new Promise(() => undefined), stallMs: 50 });
    await kit.push("a");
    const stalled = kit.drainUntilEmpty();
    await expect(stalled).rejects.toThrow(StalledError);
    await expect(stalled).rejects.toThrow(
      /^The handler of a has not ended for 50 ms of real time.*clock\.advance.*stallMs/,
    );
  });

  it.each([
    [
      "the list is paused",
      (kit: TestDrain) => kit.drain.pause(),
      /The last stopped as paused.*Messages left: 1/,
    ],
    [
      "a handler gives its message back for ever",
      async () => undefined,
      /after 1000 runs.*The message a is waiting/,
    ],
  ])("drainUntilEmpty ends where %s", async (_, arrange, text) => {
    const kit = createTestDrain({ handler: () => release });
    await kit.push("a");
    await arrange(kit);
    await expect(kit.drainUntilEmpty()).rejects.toThrow(text);
  });

  it("goes its own way beside a runner's fake timers, and begins with their date", async () => {
    vi.useFakeTimers({ now: 1_000_000_000_000 });
    const kit = createTestDrain({ handler: ({ attempt }) => (attempt === 1 ? fail() : undefined) });
    await kit.push("a");
    await kit.drainUntilEmpty();
    kit.expect("a", { became: "acked", attempts: 2 });
    expect(kit.clock.now() - 1_000_000_000_000).toBeLessThan(60_000);
    expect(Date.now()).toBe(1_000_000_000_000);
  });

  it.each([-1, Number.NaN, 1e21, "1" as never, undefined as never])("is not moved by %s", async (ms) => {
    const kit = createTestDrain({ handler: () => undefined });
    await expect(kit.clock.advance(ms)).rejects.toThrow(/"ms" must be a number from 0 to 31536000000/);
  });
});

describe("what became of each message", () => {
  const fates: [fate: Fate, act: (kit: TestDrain) => Promise<unknown>][] = [
    ["waiting", async () => undefined],
    ["acked", (kit) => kit.drainUntilEmpty()],
    [
      "working",
      async (kit) => {
        kit.crashAfter(1);
        await kit.run();
      },
    ],
    ["delayed", (kit) => kit.drain.push("failing").then(() => kit.run())],
    ["dead", (kit) => kit.drain.push("failing").then(() => kit.drainUntilEmpty())],
    [
      "purged",
      (kit) =>
        kit.drain
          .push("failing")
          .then(() => kit.drainUntilEmpty())
          .then(() => kit.drain.deadLetters.purge()),
    ],
    [
      "parked",
      (kit) =>
        kit
          .push("failing")
          .then(() => kit.push("failing too"))
          .then(() => kit.run()),
    ],
  ];
  it.each(fates)("is told: %s", async (fate, act) => {
    const kit = createTestDrain({
      handler: ({ payload }) => (payload.startsWith("failing") ? fail() : undefined),
      codec: { decode: ({ payload }) => payload },
      ...(fate === "parked" ? { order: { byKey: ({ payload }: Message) => payload.slice(0, 7) } } : {}),
    });
    const message = ["delayed", "dead", "purged"].includes(fate)
      ? "failing"
      : fate === "parked"
        ? "failing too"
        : "a";
    if (message === "a") await kit.push(message);
    await act(kit);
    kit.expect(message, fate);
  });

  it("is told of payloads of any bytes, and of those that were redriven", async () => {
    const bytes = new Uint8Array([0, 10, 58, 255, 128]);
    let works = false;
    const kit = createTestDrain({ handler: () => (works ? undefined : deadLetter("not today")) });
    await kit.push(bytes);
    await kit.drainUntilEmpty();
    kit.expect(bytes, { became: "dead", reason: /^not today$/ });
    works = true;
    await kit.drain.deadLetters.redrive();
    kit.expect(bytes, "waiting");
    await kit.drainUntilEmpty();
    kit.expect(bytes, "acked");
  });

  it("is told of messages that others pushed, and counts copies", async () => {
    const kit = createTestDrain({
      list: "mails",
      handler: ({ attempt }) => (attempt > 1 ? undefined : fail()),
    });
    await kit.redis.command(["LPUSH", "mails", "theirs"]);
    await kit.push("ours", "ours");
    const { acked } = await kit.drainUntilEmpty();
    expect(acked).toBe(3);
    expect(kit.outcomes().map(({ payload }) => payload)).toEqual(["ours", "ours", "theirs"]);
    kit.expect("theirs", { became: "acked", runs: 2 });
  });

  it.each<[string, (kit: TestDrain) => unknown, RegExp]>([
    [
      "another outcome",
      (kit) => kit.expect({ to: "bob" }, "acked"),
      /^The message {"to":"bob"} is dead \(exhausted\), attempts: 2, runs: 2; its newest failure was Error: no such mailbox\. Expected: became: "acked"\.$/,
    ],
    [
      "each thing that is not so",
      (kit) => kit.expect({ to: "bob" }, { became: "dead", attempts: 3, error: /timeout/, reason: "crash" }),
      /Expected: attempts: 3, reason: "crash", error: \/timeout\/\.$/,
    ],
    [
      "an error where there was none",
      (kit) => kit.expect({ to: "ada" }, { error: "no" }),
      /^The message {"to":"ada"} is acked, attempts: 1, runs: 1\. Expected: error: "no"\.$/,
    ],
    [
      "a message that was never seen",
      (kit) => kit.expect({ to: "bib" }, "acked"),
      /^The message {"to":"bib"} was neither pushed nor handled, and is not in the list "test"\. Seen: {"to":"ada"}, {"to":"bob"}\.$/,
    ],
    [
      "equal messages that fared differently",
      async (kit) => {
        await kit.push({ to: "ada" }, { to: "ada" });
        await kit.run({ maxMessages: 1 });
        kit.expect({ to: "ada" }, "acked");
      },
      /^The message {"to":"ada"} was pushed more than once, and its copies are waiting, acked, acked\./,
    ],
    [
      "a misspelt expectation",
      (kit) => kit.expect({ to: "ada" }, { becomes: "acked" } as never),
      /did you mean "became"/,
    ],
    [
      "no fate at all",
      (kit) => kit.expect({ to: "ada" }, "done" as never),
      /"became" must be "acked" or "dead"/,
    ],
  ])("an expectation that fails says so: %s", async (_, act, text) => {
    const kit = createTestDrain<{ to: string }>({
      handler: ({ value }) => (value.to === "bob" ? fail() : undefined),
      maxAttempts: 2,
    });
    await kit.push({ to: "ada" }, { to: "bob" });
    await kit.drainUntilEmpty();
    await expect(async () => act(kit)).rejects.toThrow(text);
  });
});

it.each<[string, () => unknown, RegExp]>([
  ["no options", () => createTestDrain(undefined as never), /"handler" must be a function/],
  ["a redis", () => createTestDrain({ handler: fail, redis: {} } as never), /"redis" must be left out/],
  ["shards", () => createTestDrain({ handler: fail, shards: 2 } as never), /"shards" must be left out/],
  ["a misspelt option", () => createTestDrain({ handler: fail, maxAttempt: 2 } as never), /maxAttempts/],
  [
    "a stallMs of 0",
    () => createTestDrain({ handler: fail, stallMs: 0 }),
    /"stallMs" must be a whole number/,
  ],
  ["an empty list", () => createTestDrain({ handler: fail, list: "" }), /"list" must be/],
  ["a crash after -1", () => createTestDrain({ handler: fail }).crashAfter(-1), /"handlers" must be/],
  [
    "a crash after nothing said",
    () => createTestDrain({ handler: fail }).crashAfter(undefined as never),
    /"handlers" must be/,
  ],
  ["1e21 lost replies", () => createTestDrain({ handler: fail }).loseReplies(1e21), /"count" must be/],
])("an option that is none is refused: %s", (_, act, text) => {
  expect(act).toThrow(text);
});

it("a kit that is closed ends its run, and refuses the next", async () => {
  await using kit = createTestDrain({ handler: () => new Promise(() => undefined) });
  await kit.push("a");
  const running = kit.run();
  await kit.close();
  expect(await running).toBe("crashed");
  for (const call of [() => kit.push("b"), () => kit.run(), () => kit.drainUntilEmpty()])
    await expect(call()).rejects.toMatchObject({
      name: "ClosedError",
      message: expect.stringContaining("closed"),
    });
});
