import { describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { type EventName, eventNames } from "../../src/events/events.ts";
import { whenSettled } from "../../src/handling/guest.ts";
import {
  type Continuation,
  ContinuationError,
  createDrain,
  createSpillway,
  type DrainOptions,
  deadLetter,
  type EventListeners,
  type Listener,
  listeners,
  OptionError,
  RedisReplyError,
  release,
  retry,
  type Spillway,
} from "../../src/index.ts";
import { makeRunner } from "../../src/internals.ts";
import { finish, hostileValues } from "../support/hostile-values.ts";
import { ManualClock } from "../support/manual-clock.ts";

interface Heard {
  readonly name: EventName;
  readonly list: string;
  readonly payload?: string;
  readonly count?: number;
}

/** Listens to everything, and says in short what was heard. */
function recorder(): { heard: Heard[]; on: EventListeners } {
  const heard: Heard[] = [];
  const note = (name: EventName) => (event: Record<string, unknown> & { list: string }) => {
    const { payload } = (event.message ?? event.letter ?? {}) as { payload?: string };
    const count = event.count as number | undefined;
    heard.push({ name, list: event.list, ...(payload && { payload }), ...(count && { count }) });
  };
  const on = Object.fromEntries(eventNames.map((name) => [name, note(name)])) as EventListeners;
  return { heard, on };
}

const short = (heard: readonly Heard[]): string[] =>
  heard
    .filter(({ name }) => name !== "drain:progressed")
    .map(({ name, payload, count }) => [name, payload ?? count].join(" ").trim());

async function listOf(...payloads: string[]) {
  const redis = memory();
  await redis.command(["LPUSH", "mail", ...payloads]);
  return { redis, list: "mail", concurrency: 1, prefetch: 0, brake: false } as const;
}

describe("the events of a drain", () => {
  it.each(["scripted", "plain"] as const)(
    "tell what became of each message, in order: %s",
    async (engine) => {
      const { heard, on } = recorder();
      const handler: DrainOptions["handler"] = ({ payload }) => {
        if (payload === "throws") throw new Error("no");
        if (payload === "dies") throw Object.assign(new Error("no"), { name: "NonRetryableError" });
        if (payload === "waits") return retry({ afterMs: 60_000 });
        return payload === "returns" ? release : undefined;
      };
      const given = await listOf("good", "throws", "dies", "waits", "returns");
      const { brake: _brake, ...more } = given;
      await createDrain({
        ...(engine === "plain" ? more : given),
        engine,
        handler,
        on,
        retryDelay: () => 60_000,
      }).run({ maxMessages: 5 });

      const claimed = ["good", "throws", "dies", "waits", "returns"].map((one) => `message:claimed ${one}`);
      expect(short(heard)).toEqual([
        "drain:started",
        ...claimed,
        "message:failed throws",
        "message:failed dies",
        "message:acked good",
        "message:retried throws",
        "message:retried waits",
        "message:released returns",
        "message:dead-lettered dies",
        "drain:stopped",
      ]);
      expect(new Set(heard.map(({ list }) => list))).toEqual(new Set(["mail"]));
    },
  );

  it.each(["scripted", "plain"] as const)(
    "tell a message whose lease was lost as lost, and never as acked: %s",
    async (engine) => {
      const { heard, on } = recorder();
      const { brake: _brake, ...given } = await listOf("kept", "taken");
      await createDrain({
        ...given,
        engine,
        on,
        handler: async ({ payload }) => {
          if (payload !== "taken") return;
          if (engine === "plain") await given.redis.command(["LREM", "{mail}:working", 1, "taken"]);
          else await given.redis.command(["DEL", "{mail}:leases"]);
        },
      }).run({ maxMessages: 2 });

      const told = short(heard).filter((text) => /acked|lost/.test(text));
      expect(told).toEqual(
        engine === "plain" ? ["message:acked kept", "message:lost 1"] : ["message:lost 2"],
      );
    },
  );

  it("tell as acked none that was lost while a settle that is too large was sent in parts", async () => {
    const { heard, on } = recorder();
    let passedMs = 0;
    const store = memory({ now: () => 1e12 + passedMs });
    await store.command(["LPUSH", "mail", "a", "b", "c", "d"]);
    let isLarge = false;
    const redis: typeof store = {
      ...store,
      command: async (command, about) => {
        const letters = command.filter((word) => String(word).includes("rrrr")).length;
        if (letters > 2) {
          isLarge = true;
          throw new RedisReplyError("ERR max request size exceeded");
        }
        const reply = await store.command(command, about);
        if (isLarge && letters === 2 && passedMs === 0) {
          passedMs = 1e9;
          await store.command(["DEL", "{mail}:leases"]);
        }
        return reply;
      },
    };
    const options = { redis, list: "mail", prefetch: 0, brake: false } as const;
    const report = await createDrain({ ...options, on, handler: () => deadLetter("r".repeat(100)) }).run();

    expect(report).toMatchObject({ acked: 0, deadLettered: 2, lostLease: 2 });
    expect(short(heard).filter((text) => /acked|lost|dead/.test(text))).toEqual([
      "message:dead-lettered c",
      "message:dead-lettered d",
      "message:lost 2",
    ]);
  });

  it("leave the chain as it is, whatever a listener does to what it is told", async () => {
    const given = await listOf("a", "b", "c");
    const clock = new ManualClock();
    const hops: number[] = [];
    const spoil: Listener<"drain:started" | "drain:progressed"> = ({ chain }) => {
      Object.assign(chain, { id: 1e21, hop: Number.NaN });
    };
    const drain = createDrain({
      ...given,
      clock,
      on: { "drain:started": spoil, "drain:progressed": spoil },
      batchSize: 1,
      handler: () => clock.advance(600),
      continuation: {
        name: "next",
        invoke: async ({ chain }) => {
          hops.push(chain.hop);
          return null;
        },
      },
    });
    await finish(clock, drain.run({ budgetMs: 1_000, chain: { id: "tick", hop: 3 } }));

    expect(hops).toEqual([4]);
  });

  it.each([
    ["what is recovered", 5, "message:recovered", "1"],
    ["the dead letter of what crashed too often", 1, "message:dead-lettered", "poison"],
  ] as const)("tell %s", async (_, maxAttempts, name, told) => {
    const given = await listOf("poison", "fine");
    const { heard, on } = recorder();
    const dead = new AbortController();
    let hasBegun: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      hasBegun = resolve;
    });
    const dying = createDrain({
      ...given,
      handler: () => {
        hasBegun();
        return new Promise<void>(() => undefined);
      },
    }).run({ maxMessages: 1, signal: dead.signal, abortMs: 0 });
    await begun;
    // Its lease has ended long ago.
    const [batch] = (await given.redis.command(["ZRANGE", "{mail}:leases", 0, -1])) as string[];
    await given.redis.command(["ZADD", "{mail}:leases", 1, batch as string]);

    await createDrain({ ...given, maxAttempts, on, handler: () => undefined }).run();

    expect(short(heard)).toContain(`${name} ${told}`);
    expect(short(heard)).toContain("message:acked fine");
    dead.abort();
    await dying;
  });

  it("tell that the brake is on once, and that it is off when a message has been acknowledged", async () => {
    const { heard, on } = recorder();
    const redis = memory();
    await redis.command(["LPUSH", "mail", "a", "b", "c"]);
    let fails = true;
    const drain = createDrain({
      redis,
      list: "mail",
      on,
      brake: { after: 2, pauseMs: 1 },
      concurrency: 1,
      handler: () => {
        if (fails) throw new Error("no");
      },
    });
    expect((await drain.run()).stopped).toBe("braked");
    expect((await drain.run()).stopped).not.toBe("error");
    fails = false;
    await expect.poll(async () => (await drain.run()).acked).toBeGreaterThan(0);

    const told = short(heard).filter((text) => text.startsWith("brake"));
    expect(told).toEqual(["brake:on", "brake:off"]);
  });

  it.each<[string, Continuation["invoke"], EventName]>([
    ["was invoked", async () => null, "continuation:invoked"],
    ["declined", async () => ({ declined: "no more" }), "continuation:declined"],
    [
      "failed",
      async () => {
        throw new ContinuationError("continuation-unknown", "gone");
      },
      "continuation:failed",
    ],
  ])("tell, before the end of the run, that a continuation %s", async (_, invoke, name) => {
    const { heard, on } = recorder();
    const clock = new ManualClock();
    const given = await listOf("a", "b", "c");
    const drain = createDrain({
      ...given,
      clock,
      on,
      batchSize: 1,
      handler: () => clock.advance(600),
      continuation: { name: "next", invoke },
    });
    await finish(clock, drain.run({ budgetMs: 1_000 }));

    expect(short(heard).slice(-2)).toEqual([name, "drain:stopped"]);
  });

  it("can be listened to at any time, by several, and taken off again", async () => {
    const given = await listOf("a", "b");
    const told: string[] = [];
    const drain = createDrain({ ...given, handler: () => undefined });
    const listener = ({ message }: { message: { payload: string } }): void => void told.push(message.payload);
    const off = drain.on("message:acked", listener);
    drain.on("message:acked", listener);
    await drain.run();
    off();
    off();
    await drain.push("c");
    await drain.run();

    expect(told).toEqual(["a", "a", "b", "b", "c"]);
  });

  it("wait for async listeners, but not beyond the budget", async () => {
    const given = await listOf("a");
    const clock = new ManualClock();
    let isDone = false;
    const drain = createDrain({ ...given, clock, handler: () => undefined });
    drain.on("message:acked", async () => {
      await new Promise(setImmediate);
      isDone = true;
    });
    drain.on("drain:stopped", () => new Promise(() => undefined));
    const startedAt = clock.now();
    await finish(clock, drain.run({ budgetMs: 5_000 }));

    expect(isDone).toBe(true);
    expect(clock.now() - startedAt).toBeLessThan(6_000);
  });

  it("cannot change the report that the run returns", async () => {
    const on = {
      "drain:stopped": ({ report }: { report: object }) => void Object.assign(report, { acked: 9 }),
    };
    const drain = createDrain({ ...(await listOf("a")), on, handler: () => undefined });
    expect(await drain.run()).toMatchObject({ acked: 1 });
  });

  it("make nothing where nobody listens", async () => {
    const given = await listOf("a", "b");
    const all = listeners();
    all.on("message:acked", () => undefined)();
    let made = 0;
    Object.assign(all, {
      tell: () => {
        made += 1;
      },
    });
    await createDrain({ ...given, on: all, handler: () => undefined }).run();

    expect(made).toBe(0);
  });

  it.each(hostileValues)("are not for %s in a listener's or a name's place", (_, make) => {
    const value = make();
    void whenSettled(value);
    const drain = createDrain({ redis: memory(), list: "mail", handler: () => undefined });
    expect(() => drain.on(value as never, () => undefined)).toThrow(OptionError);
    if (typeof value === "function") return;
    expect(() => drain.on("message:acked", value as never)).toThrow(OptionError);
    expect(() => listeners({ "message:acked": value ?? 1 } as never)).toThrow(OptionError);
  });

  it("are refused by names that no event has, with the one that was meant", () => {
    const on = { "message:aked": () => undefined } as never;
    expect(() => listeners(on)).toThrow(/did you mean "message:acked"/);
  });
});

describe("the events of several lists", () => {
  function both(more: EventListeners): { spillway: Spillway; redis: ReturnType<typeof memory> } {
    const redis = memory();
    const list = { handler: () => undefined };
    return { redis, spillway: createSpillway({ redis, lists: { mail: list, sms: list }, on: more }) };
  }

  it("keep no list from its turn, where a listener never ends", async () => {
    const acked: string[] = [];
    const never = new Promise<void>(() => undefined);
    const { spillway } = both({
      "message:acked": ({ list }) => {
        acked.push(list);
        return never;
      },
    });
    await spillway.push("mail", "m");
    await spillway.push("sms", "s");
    await spillway.run({ budgetMs: 6_000 });

    expect(acked.sort()).toEqual(["mail", "sms"]);
  });

  it("carry their list; one run begins and stops; and each list's own drain tells of that list alone", async () => {
    const { heard, on } = recorder();
    const { spillway } = both(on);
    const own: string[] = [];
    spillway.lists.sms?.on(
      "message:acked",
      ({ list, message }) => void own.push(`${list} ${message.payload}`),
    );
    await spillway.push("mail", "m");
    await spillway.push("sms", "s");
    await spillway.run();

    const told = heard.filter(({ name }) => name !== "drain:progressed");
    expect(told.filter(({ name }) => name.startsWith("drain"))).toEqual([
      { name: "drain:started", list: "spillway" },
      { name: "drain:stopped", list: "spillway" },
    ]);
    expect(
      told.filter(({ name }) => name === "message:acked").map(({ list, payload }) => [list, payload]),
    ).toEqual(
      expect.arrayContaining([
        ["mail", "m"],
        ["sms", "s"],
      ]),
    );
    expect(own).toEqual(["sms s"]);
  });

  it("of shards name the shard, and tell of one run", async () => {
    const { heard, on } = recorder();
    const drain = createDrain({ redis: memory(), list: "mail", shards: 2, on, handler: () => undefined });
    await drain.push(["a", "b", "c", "d"]);
    await drain.run();

    expect(heard.filter(({ name }) => name === "drain:started")).toEqual([
      { name: "drain:started", list: "mail" },
    ]);
    expect(heard.filter(({ name }) => name === "drain:stopped")).toHaveLength(1);
    const acked = heard.filter(({ name }) => name === "message:acked");
    expect(new Set(acked.map(({ list }) => list))).toEqual(new Set(["{mail:0}", "{mail:1}"]));
  });
});

describe("the events of a drain as Workers make it", () => {
  const options = { redis: memory(), list: "mail", handler: () => undefined };

  it("are told to listeners(…), and an object alone is refused with what to give", async () => {
    const { heard, on } = recorder();
    await makeRunner({ ...options, on: listeners(on) }).run();
    expect(short(heard)).toEqual(["drain:started", "drain:stopped"]);
    expect(() => makeRunner({ ...options, on })).toThrow(/listeners\(…\)/);
  });
});

describe("the age of the oldest message", () => {
  it.each<[string, unknown, number | null]>([
    ["a number of ms", 7_000, 3_000],
    ["a Date", new Date(7_000), 3_000],
    ["a text", "1970-01-01T00:00:07Z", 3_000],
    ["a moment to come", 99_000, 0],
    ["nothing", undefined, null],
    ["null", null, null],
    ["no moment", "soon", null],
    ["NaN", Number.NaN, null],
    ["1e21", 1e21, null],
    ["a promise", Promise.resolve(7_000), null],
    ["a symbol", Symbol("no"), null],
  ])("is in the report where sentAt returns %s", async (_, said, oldestMs) => {
    const clock = new ManualClock();
    clock.advance(9_000);
    const report = await createDrain({
      ...(await listOf("a", "b")),
      clock,
      sentAt: ({ payload }) => (payload === "a" ? said : undefined) as never,
      handler: () => undefined,
    }).run();
    expect(report).toMatchObject({ oldestMs, acked: 2 });
  });
});
