import { describe, expect, it } from "vitest";
import { byKey, type Message, OptionError, retry } from "../../src/index.ts";
import { keyedSetup } from "./keyed.ts";
import { list, type Setup } from "./setup.ts";

/** Which key a message has, and what becomes of lines where the order of the drains changes. */
export function messageKeysSuite(setup: Setup): void {
  const { door, make, produce } = setup;
  const { path, keyed, mixed, of, inOrder, makeLinesDue, watching } = keyedSetup(setup);

  describe("the key of a message", () => {
    it("may be a number, may come late, and may be missing: such a message has no order", async () => {
      await produce(
        JSON.stringify({ k: 7, n: 0 }),
        "{}",
        JSON.stringify({ k: 7, n: 1 }),
        "5",
        "null",
        '{"k":null}',
      );
      const seen: string[] = [];
      const order = byKey(async ({ value }) => (value as { k?: number } | null)?.k);
      const report = await make({ order, handler: ({ payload }) => void seen.push(payload) }).run();
      expect(report).toMatchObject({ acked: 6, stopped: "empty", error: null });
      expect(await door.everything()).toEqual({});
    });

    it("is found by a path of own properties only", async () => {
      await produce(
        '{"customer":{"id":"x"}}',
        '{"customer":"text"}',
        '{"__proto__":{"customer":{"id":1}}}',
        "[]",
        '"s"',
      );
      for (const path of ["customer.id", "constructor.name", "length", "__proto__.x"]) {
        const order = { byKey: path };
        expect(await make({ order, handler: () => undefined }).run({ maxMessages: 1 })).toMatchObject({
          error: null,
        });
      }
    });

    const hostile: [what: string, order: (message: Message) => unknown][] = [
      [
        "throws",
        () => {
          throw new Error("no key");
        },
      ],
      ["rejects", () => Promise.reject(new Error("no key"))],
      ["is NaN", () => Number.NaN],
      ["is infinite", () => Number.POSITIVE_INFINITY],
      ["is an object", () => ({ toString: () => "x" })],
      ["is a symbol", () => Symbol("x")],
      ["is true", () => true],
      ["is 1,001 characters", () => "x".repeat(1_001)],
      [
        "is a proxy that throws",
        () =>
          new Proxy(
            {},
            {
              get: () => {
                throw new Error("no");
              },
            },
          ),
      ],
      ["never comes", () => new Promise(() => undefined)],
    ];
    it.each(hostile)("fails the message where it %s, and no other", async (_what, key) => {
      await produce('"bad"', '"good"');
      const failures: unknown[] = [];
      const seen: string[] = [];
      const report = await make({
        order: byKey((message) => (message.value === "bad" ? key(message) : "fine") as string),
        handlerTimeoutMs: 200,
        maxAttempts: 1,
        on: { "message:failed": ({ error }) => failures.push(error) },
        handler: ({ payload }) => void seen.push(payload),
      }).run();
      expect(report).toMatchObject({ acked: 1, deadLettered: 1, error: null, stopped: "empty" });
      expect(seen).toEqual(['"good"']);
      expect(failures.length).toBe(1);
    });

    it.each([undefined, 86_400_000])(
      "stops no list where it never comes, with handlerTimeoutMs: %s",
      async (ms) => {
        await produce('"bad"', '"good"');
        const drain = make({
          order: byKey(({ value }) => (value === "bad" ? (new Promise(() => undefined) as never) : "fine")),
          ...(ms !== undefined && { handlerTimeoutMs: ms }),
          maxAttempts: 1,
        });
        expect(await drain.run({ budgetMs: 1_000 })).toMatchObject({ acked: 1, deadLettered: 1 });
      },
    );

    it("fails a message that the codec cannot decode, as its value would", async () => {
      await produce("{", '{"k":1}');
      const report = await keyed().run();
      expect(report).toMatchObject({ acked: 1, deadLettered: 1 });
      expect((await keyed().deadLetters.list())[0]?.reason).toBe("undecodable");
    });

    it.each([
      [{ byKey: 5 }],
      [{ byKey: "" }],
      [{ byKey: "a..b" }],
      [{ byKey: ".a" }],
      [{}],
      [[]],
      [null],
      [{ byKey: "a", parkedMax: 0 }],
      [{ byKey: "a", parkedMax: Number.NaN }],
      [{ byKey: "a", other: 1 }],
    ])("is refused at construction where it is none: %j", (order) => {
      expect(() => make({ order: order as never })).toThrow(OptionError);
    });
  });

  describe("another order than the last drains had", () => {
    /** Leaves messages in every place: parked and waiting, leased by a dead drain, in the list. */
    const leave = async () => {
      await produce(...mixed("ab", 5));
      const { handler } = watching((name) => (name === "a1" ? retry({ afterMs: 60_000 }) : undefined));
      await keyed({ handler, batchSize: 10, maxConcurrency: 3 }).run({ maxMessages: 7 });
      void keyed({
        batchSize: 1,
        maxConcurrency: 3,
        handler: () => new Promise<undefined>(() => undefined),
      }).run();
      while ((await door.redis.zcard(`{${list}}:leases`)) === 0)
        await new Promise((done) => setTimeout(done, 5));
      await produce(...mixed("cd", 2));
      await door.expireLeases(list);
    };

    it.each(["fifo", "strict", path] as const)(
      "brings all back and loses nothing: by key, then %j",
      async (order) => {
        await leave();
        const before = await make().stats();
        expect(before.parked).toBeGreaterThan(0);
        const { seen, handler } = watching();
        const drain = make({ order, handler, batchSize: 4 });
        for (let run = 0; run < 3; run++) {
          await makeLinesDue();
          await drain.run();
        }
        expect(await drain.stats()).toMatchObject({ list: 0, parked: 0, working: 0, delayed: 0 });
        for (const key of "cd") expect(of(key, seen)).toEqual(inOrder(key, 2));
        expect(of("a", seen)).toEqual(["a1", "a2", "a3", "a4"]);
        expect(await door.redis.exists(`{${list}}:parked`, `{${list}}:due`)).toBe(0);
      },
    );

    it("takes up what a drain without an order has left: failed, leased and waiting", async () => {
      await produce(...mixed("ab", 4));
      await make({
        handler: watching((name) => (name === "a0" ? retry({ afterMs: 60_000 }) : undefined)).handler,
      }).run({
        maxMessages: 2,
      });
      void make({ batchSize: 2, handler: () => new Promise<undefined>(() => undefined) }).run();
      while ((await door.redis.zcard(`{${list}}:leases`)) === 0)
        await new Promise((done) => setTimeout(done, 5));
      await door.expireLeases(list);
      await door.makeDue(list);
      const { seen, handler } = watching();
      expect(await keyed({ handler }).run()).toMatchObject({ stopped: "empty", recovered: 2, acked: 7 });
      expect(of("b", seen)).toEqual(["b1", "b2", "b3"]);
      expect(await door.everything()).toEqual({});
    });
  });
}
