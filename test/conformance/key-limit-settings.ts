import { describe, expect, it } from "vitest";
import { type ListLimit, OptionError } from "../../src/index.ts";
import { keyedSetup } from "./keyed.ts";
import { list, type Setup } from "./setup.ts";

const hour = 3_600_000;

/** How limits per key are set, changed and refused, and what becomes of what stands in Redis and is none. */
export function keyLimitSettingsSuite(setup: Setup): void {
  const { door, make, produce } = setup;
  const { keyed, limit, mixed, makeLinesDue, watching } = keyedSetup(setup);
  const [control, rates, due] = [`{${list}}:control`, `{${list}}:rates`, `{${list}}:due`];

  describe("limits per key", () => {
    it("are changed while messages wait: what may go on then does at once", async () => {
      await produce(...mixed("ab", 20));
      const { handler } = watching();
      const drain = keyed({ handler });
      for (const [perKey, acked] of [
        [{ messages: 2, windowMs: hour }, 4],
        [{ messages: 5, windowMs: hour, inFlight: 2 }, 6],
        [{ messages: 5, windowMs: hour / 2 }, 10],
        [{ messages: 4, windowMs: hour / 2 }, 0],
      ] as const) {
        await limit(perKey);
        expect(await drain.limits.get()).toEqual({ perKey });
        expect(await drain.run()).toMatchObject({ stopped: "rate-limited", acked });
      }
      await drain.limits.set(null);
      expect(await drain.limits.get()).toBeNull();
      expect(await drain.run()).toMatchObject({ stopped: "empty", acked: 20 });
    });

    it("are taken away by a limit of the list alone, and the other way round", async () => {
      const [rate, perKey] = [{ messages: 5, windowMs: hour }, { inFlight: 3 }];
      for (const given of [{ ...rate, perKey }, rate, { perKey }, { perKey: rate }]) {
        await keyed().limits.set(given);
        expect(await keyed().limits.get()).toEqual(given);
      }
    });

    it("wake no line that waits for the next attempt of its first message", async () => {
      await produce(...mixed("a", 5));
      await limit({ messages: 4, windowMs: hour });
      const { handler } = watching(() => {
        throw new Error("not yet");
      });
      await keyed({ handler, retryDelay: () => hour }).run();
      await keyed().limits.set(null);
      expect(await keyed().run()).toMatchObject({ claimed: 0, stopped: "empty" });
    });

    const wrong: [what: string, limit: unknown][] = [
      ["nothing", {}],
      ["an empty part for keys", { perKey: {} }],
      ["messages alone", { messages: 1 }],
      ["a window alone", { windowMs: 1 }],
      ["messages of a key alone", { perKey: { messages: 1 } }],
      ["a window of a key alone", { perKey: { windowMs: 1, inFlight: 1 } }],
      ...[
        0,
        -1,
        1.5,
        1e21,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        "5",
        null,
        true,
        Promise.resolve(1),
      ].flatMap((value): [string, unknown][] => [
        [`messages of a key ${String(value)}`, { perKey: { messages: value, windowMs: 1 } }],
        [`a window of a key ${String(value)}`, { perKey: { messages: 1, windowMs: value } }],
        [`in flight ${String(value)}`, { perKey: { inFlight: value } }],
      ]),
      ...[null, 5, "x", [], () => 1].map((value): [string, unknown] => [
        `for keys ${String(value)}`,
        { perKey: value },
      ]),
      ["an unknown name", { perKey: { inFligth: 1 } }],
      [
        "a proxy that throws",
        {
          perKey: new Proxy(
            {},
            {
              ownKeys: () => {
                throw new Error("no");
              },
            },
          ),
        },
      ],
    ];
    it.each(wrong)("are refused where they are wrong: %s", async (_what, given) => {
      await expect(keyed().limits.set(given as ListLimit)).rejects.toThrow(OptionError);
      expect(await door.redis.dbsize()).toBe(0);
    });

    it.each(["fifo", "strict"] as const)("are refused by a drain that knows no keys: %s", async (order) => {
      const drain = make({ order });
      await expect(drain.limits.set({ perKey: { inFlight: 1 } })).rejects.toThrow(/byKey/);
      expect(await door.redis.dbsize()).toBe(0);
    });

    // Such as a hand or a clock that stepped back has left: none may hold a key for ever, or end a drain.
    it.each(["1e21", "-5", "NaN", "nan", "9999999999999", "", "text", "0"])(
      "do not hold a key whose window ends at %j",
      async (endsAt) => {
        await produce(...mixed("a", 2));
        await limit({ messages: 1, windowMs: hour });
        await door.redis.hset(rates, "endsAt", endsAt);
        expect(await keyed().run()).toMatchObject({ acked: 1, stopped: "rate-limited", error: null });
        expect(await door.redis.pttl(rates)).toBeGreaterThan(0);
      },
    );

    it.each(["1e21", "-5", "NaN", "nan", "", "text", "0"])(
      "are none where what stands in Redis is no number: %j",
      async (value) => {
        await produce(...mixed("a", 5));
        for (const field of ["keyLimit", "keyWindowMs", "keyInFlight"])
          await door.redis.hset(control, field, value);
        expect(await keyed().limits.get()).toBeNull();
        expect(await keyed().run()).toMatchObject({ acked: 5, stopped: "empty", error: null });
      },
    );

    it("count what is no number of messages as none", async () => {
      await produce(...mixed("a", 2));
      await limit({ messages: 1, windowMs: hour });
      await keyed().run();
      for (const key of Object.keys(await door.redis.hgetall(rates)))
        if (key !== "endsAt") await door.redis.hset(rates, key, "text");
      await makeLinesDue();
      expect(await keyed().run()).toMatchObject({ acked: 1, stopped: "empty" });
      expect(await door.redis.exists(due)).toBe(0);
    });
  });
}
