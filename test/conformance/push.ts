import { describe, expect, it } from "vitest";
import { OptionError, type Pushable, type PushOptions, RedisTransportError } from "../../src/index.ts";
import { revoked, unreadable } from "../support/hostile-values.ts";
import { list, numbered, only, recording, type Setup } from "./setup.ts";

/** What `push` puts where, and that a message it was given is pushed or refused, never changed. */
export function pushSuite(setup: Setup): void {
  const { door, engine, faulty, make, produce } = setup;

  async function claimed(): Promise<string[]> {
    const { seen, handler } = recording();
    await make({ handler }).run();
    return seen;
  }

  describe("push", () => {
    it("sends text and bytes as they are and objects as JSON, the first given first", async () => {
      const drain = make();

      expect(await drain.push(["a", "é", ""])).toMatchObject({ pushed: 3, duplicates: [], length: 3 });
      expect(await drain.push(new Uint8Array([0xff]))).toMatchObject({ pushed: 1, length: 4 });
      expect(await drain.push({ to: 1 })).toMatchObject({ length: 5 });
      expect(await drain.push([{ at: new Date(0) }, [1, "b"]])).toMatchObject({ length: 7 });

      const decoded = ["a", "é", "", "\ufffd", '{"to":1}', '{"at":"1970-01-01T00:00:00.000Z"}', '[1,"b"]'];
      expect(await claimed()).toEqual(decoded);
    });

    it("encodes objects by the codec of the drain", async () => {
      const codec = { decode: () => null, encode: (value: object) => `<${Object.keys(value)}>` };
      await make({ codec } as never).push([{ to: 1 }, "as it is"]);
      expect(await claimed()).toEqual(["<to>", "as it is"]);
    });

    // Add a row for what no message can be made of: it must not become another message.
    it.each<[string, unknown]>([
      ["nothing", undefined],
      ["null", null],
      ["a number", 1e21],
      ["a boolean", true],
      ["a bigint", 1n],
      ["a symbol", Symbol("s")],
      ["a function", () => "a"],
      ["a promise", Promise.resolve("a")],
      ["a promise in an array", ["a", Promise.resolve("b")]],
      ["a Map in an array", ["a", new Map([["to", 1]])]],
      ["a String object", new String("abc")],
      ["an instance of a class", new (class Order {})()],
      ["an object in a circle", Object.assign([{}], { 0: circle() })],
      ["an object that cannot be read", [unreadable()]],
      ["a proxy that is revoked", revoked()],
      ["a proxy that is revoked, in an array", [revoked()]],
      ["no message at all", []],
    ])("refuses %s, and pushes nothing", async (_what, given) => {
      const refusal = await make()
        .push(given as Pushable)
        .catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: expect.stringMatching(/^(invalid-option|codec)$/) });
      expect(await door.redis.dbsize()).toBe(0);
    });

    it("leaves no promise in an array to reject unhandled", async () => {
      const rejections = ["a", "b"].map((one) => Promise.reject(new Error(one)));
      await expect(make().push(rejections)).rejects.toThrow(OptionError);
      // The test fails where one of them is not handled.
      await new Promise(setImmediate);
    });

    it.each<[string, unknown]>([
      ["delayMs", { delayMs: Number.NaN }],
      ["delayMs", { delayMs: 1e21 }],
      ["at", { at: new Date(Number.NaN) }],
      ["at", { at: "2030-01-01" }],
      ["at", { at: 1, delayMs: 1 }],
      ["priority", { priority: "first" }],
      ["priority", { priority: "next", delayMs: 1 }],
      ["dedupe.ttlMs", { dedupe: { id: () => "a" } }],
      ["dedupe.ttlMs", { dedupe: { id: () => "a", ttlMs: 0 } }],
      ["dedupe.id", { dedupe: { id: "a", ttlMs: 1 } }],
      ["delay", { delay: 1 }],
    ])("refuses a wrong %s: %j", async (option, options) => {
      const refusal = await make()
        .push("a", options as PushOptions)
        .catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(OptionError);
      expect((refusal as OptionError).option).toBe(option);
      expect(await door.redis.dbsize()).toBe(0);
    });

    it("takes a stream, and sends it in chunks as it comes", async () => {
      async function* stream(): AsyncGenerator<string> {
        for (const payload of numbered(2_500)) yield payload;
      }
      const redis = faulty(() => "none");
      expect(await make({ redis }).push(stream())).toMatchObject({
        pushed: 2_500,
        duplicates: [],
        length: 2_500,
      });
      expect(redis.sent.map((commands) => commands[0]?.length)).toEqual([1_002, 1_002, 502]);
      expect(await door.waiting(list)).toEqual(numbered(2_500));
    });

    it("says how many of a stream were pushed when it breaks off", async () => {
      function* stream(): Generator<string> {
        yield* numbered(1_500);
        throw new Error("the source is gone");
      }
      const refusal = await make()
        .push(stream())
        .catch((error: unknown) => error);
      expect(refusal).toMatchObject({
        code: "push-incomplete",
        pushedCount: 1_000,
        cause: { message: "the source is gone" },
      });
      expect(await door.redis.llen(list)).toBe(1_000);
    });

    it("does not send again what may have been pushed", async () => {
      const drain = make({ redis: faulty(only(0, "lose-reply")) });
      await expect(drain.push("a")).rejects.toThrow(RedisTransportError);
      expect(await door.waiting(list)).toEqual(["a"]);
    });

    it("puts what is to be next before all that waits, the first given first", async () => {
      await produce("waiting");
      await make().push(numbered(2_100), { priority: "next" });
      expect(await door.waiting(list)).toEqual([...numbered(2_100), "waiting"]);
    });

    it("counts none as pushed for certain where what is to be next went in part, for the last given go first", async () => {
      const drain = make({ redis: faulty(only(1, "lose-request")) });
      const refusal = await drain
        .push(numbered(2_100), { priority: "next" })
        .catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: "push-incomplete", pushedCount: 0 });
      expect(await door.waiting(list)).toEqual(numbered(2_100).slice(2_000));
    });
  });

  describe("a delayed push", () => {
    it.each(["delayMs", "at"] as const)(
      "is handled when it is due, in its order, and not before: %s",
      async (name) => {
        const due = name === "at" ? { at: new Date((await door.now()) + 3_600_000) } : { delayMs: 3_600_000 };
        const result = await make().push(["b", "a", "a"], due);
        expect(result).toMatchObject({ pushed: 3, duplicates: [], length: null });
        const before = await make().run();
        expect(before).toMatchObject({ acked: 0 });
        expect(before.nextDueAt).toBeGreaterThan((await door.now()) + 3_500_000);

        await door.makeDue(list);
        expect(await claimed()).toEqual(["b", "a", "a"]);
      },
    );

    it("is handled at once where its moment has passed", async () => {
      await make().push("a", { at: 0 });
      expect(await claimed()).toEqual(["a"]);
    });

    it("is pushed once, though its reply was lost and it was sent again", async () => {
      const redis = faulty(only(1, "lose-reply"));
      await make({ redis }).push(["a", "b"], { delayMs: 3_600_000 });
      expect(redis.sent.flat().map(([name]) => name)).toEqual(["TIME", "ZADD", "ZADD"]);
      await door.makeDue(list);
      expect(await claimed()).toEqual(["a", "b"]);
    });

    // Its first sending may have been handled by then.
    it.each([{ at: 0 }, { delayMs: 10_000 }])("is not sent again where it is due soon: %j", async (due) => {
      const redis = faulty(only(1, "lose-reply"));
      await expect(make({ redis }).push("a", due)).rejects.toThrow(RedisTransportError);
      await door.makeDue(list);
      expect(await claimed()).toEqual(["a"]);
    });
  });

  if (engine === "plain") {
    it("refuses ids, for they need a script", async () => {
      const dedupe = { id: () => "a", ttlMs: 1_000 };
      await expect(make().push("a", { dedupe })).rejects.toThrow(/plain engine/);
    });
    return;
  }

  describe("a push with ids", () => {
    const dedupe = { id: (message: unknown) => String(message).slice(0, 1), ttlMs: 60_000 };

    it("pushes a message whose id is new, and says which were not", async () => {
      const first = await make().push(["a1", "b1", "a2"], { dedupe });
      expect(first).toMatchObject({ pushed: 2, duplicates: [2], length: 2 });
      expect(await make().push(["b2", "c1"], { dedupe })).toMatchObject({
        pushed: 1,
        duplicates: [0],
        length: 3,
      });
      expect(await make().push("a3", { dedupe })).toMatchObject({ pushed: 0, duplicates: [0], length: null });
      expect(await claimed()).toEqual(["a1", "b1", "c1"]);
      expect(await make().push("a4", { dedupe })).toMatchObject({ duplicates: [0] });
    });

    it("forgets an id when its time has passed", async () => {
      await make().push("a1", { dedupe });
      const [key] = (await door.redis.keys("*")).filter((name) => name !== list);
      expect(await door.redis.pttl(String(key))).toBeGreaterThan(50_000);
      await door.redis.pexpire(String(key), 0);
      expect(await make().push("a2", { dedupe })).toMatchObject({ pushed: 1 });
    });

    it("pushes once though its time has passed before it is sent again, and forgets it all the same", async () => {
      const brief = { id: dedupe.id, ttlMs: 1 };
      // So that the script is known, and its first sending runs.
      await make().push("z", { dedupe });
      const drain = make({ redis: faulty(only(0, "lose-reply")) });
      expect(await drain.push("a1", { dedupe: brief })).toMatchObject({ pushed: 1, duplicates: [] });
      expect(await claimed()).toEqual(["z", "a1"]);
      const before = await door.now();
      while ((await door.now()) < before + 2);
      expect(await make().push("a2", { dedupe: brief })).toMatchObject({ pushed: 1 });
    });

    it.each(["lose-reply", "double"] as const)("pushes once whatever the network does: %s", async (fault) => {
      const drain = make({ redis: faulty((index) => (index < 2 ? fault : "none")) });
      expect(await drain.push(["a", "b"], { dedupe })).toMatchObject({
        pushed: 2,
        duplicates: [],
        length: 2,
      });
      expect(await claimed()).toEqual(["a", "b"]);
    });

    it("keeps the order of what is next or delayed", async () => {
      await produce("waiting");
      await make().push(["a", "b", "a"], { dedupe, priority: "next" });
      await make().push(["d", "c"], { dedupe, at: 0 });
      expect(await claimed()).toEqual(["a", "b", "waiting", "d", "c"]);
    });

    it.each([undefined, "", 5, {}, "x".repeat(513), Promise.resolve("a")])(
      "refuses %s as an id",
      async (id) => {
        const wrong = { id: () => id as string, ttlMs: 1_000 };
        await expect(make().push("a", { dedupe: wrong })).rejects.toThrow(OptionError);
        expect(await door.redis.dbsize()).toBe(0);
      },
    );
  });
}

function circle(): object {
  const round: Record<string, unknown> = {};
  round.round = round;
  return round;
}
