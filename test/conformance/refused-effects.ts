import { describe, expect, it } from "vitest";
import {
  ack,
  type DeadLetter,
  type Effect,
  type EveryDrainOption,
  type Failure,
  forward,
  retry,
} from "../../src/index.ts";
import { list, numbered, only, type Setup } from "./setup.ts";

const counter = `{${list}}:sent`;
const next = `{${list}}:next`;

/** Where Redis refuses an effect, its message fails, and no other. */
export function refusedEffectsSuite(setup: Setup): void {
  const { door, make, produce, places, faulty } = setup;

  describe("an effect that Redis refuses", () => {
    /** Why it is refused, with the error's words, the effects, and what is there before and after. */
    const refused: [what: string, effects: Effect[], words: RegExp, before: () => Promise<unknown>][] = [
      [
        "of the wrong type",
        [["INCRBY", counter, 1]],
        /INCRBY \{mail\}:sent \(WRONGTYPE\)/,
        () => door.redis.lpush(counter, "x"),
      ],
      [
        "of a text that is no number",
        [["INCR", counter]],
        /INCR \{mail\}:sent \(ERR\).*not an integer/,
        () => door.redis.set(counter, "x"),
      ],
      [
        "as the second of two, of which the first is not done either",
        [
          ["SADD", `{${list}}:first`, "x"],
          ["LPUSH", counter, "x"],
        ],
        /LPUSH \{mail\}:sent \(WRONGTYPE\)/,
        () => door.redis.set(counter, "x"),
      ],
      [
        "as the first of two",
        [
          ["HSET", counter, "a", "b"],
          ["SADD", `{${list}}:second`, "x"],
        ],
        /HSET \{mail\}:sent \(WRONGTYPE\)/,
        () => door.redis.set(counter, "x"),
      ],
    ];

    it.each(refused)("%s fails its message alone, and says which", async (_, effects, words, before) => {
      await before();
      const there = await door.everything();
      await produce("a", "b", "c");
      const failures: Failure[] = [];
      const handler = (message: { payload: string }) =>
        message.payload === "b" ? ack({ effects }) : forward(next, message.payload);

      const on = { "message:failed": (failure: Failure) => void failures.push(failure) };
      const report = await make({ handler, on }).run();

      expect(report).toMatchObject({ acked: 2, retried: 1, error: null, stopped: "empty" });
      expect(report.failures).toMatchObject([{ name: "EffectError", count: 1 }]);
      expect(report.failures[0]?.message).toMatch(/^Redis refused the effect [^"]*$/);
      expect(report.failures[0]?.message).toMatch(words);
      expect(failures).toMatchObject([{ attempt: 1, message: { payload: "b" } }]);
      expect(await door.delayed(list)).toEqual(["b"]);
      const found = Object.entries(await door.everything());
      const rest = found.filter(([key]) => !/:(delayed|brake|done:.*)$/.test(key));
      expect(Object.fromEntries(rest)).toEqual({ ...there, [next]: ["c", "a"] });
    });

    it("for the last time makes its message a dead letter, which says so, as its event does", async () => {
      await door.redis.set(next, "text");
      await produce("a", "b");
      const told: DeadLetter[] = [];
      const drain = make({
        maxAttempts: 1,
        handler: (message) => forward(next, message.payload),
        on: { "message:dead-lettered": ({ letter }) => void told.push(letter) },
      });

      expect(await drain.run()).toMatchObject({ acked: 0, deadLettered: 2, error: null });

      const found = await drain.deadLetters.list();
      expect(found.map(({ payload }) => payload).sort()).toEqual(["a", "b"]);
      expect(found[0]).toMatchObject({
        reason: "exhausted",
        attempts: 1,
        error: { name: "EffectError", message: `Redis refused the effect LPUSH ${next} (WRONGTYPE)` },
      });
      expect(told.map(({ id }) => id).sort()).toEqual(found.map(({ id }) => id).sort());
      expect(told[0]?.error).toEqual(found[0]?.error);
    });

    it("is done when its message is tried again and nothing is in its way any more", async () => {
      await door.redis.set(next, "text");
      await produce("a", "b");
      const drain = make({ handler: (message) => forward(next, message.payload) });
      expect(await drain.run()).toMatchObject({ retried: 2 });
      await door.redis.del(next);
      await door.makeDue(list);
      expect(await drain.run()).toMatchObject({ acked: 2 });
      expect(await places()).toEqual([next]);
    });

    /** How the handlers of the other messages end. */
    const beside: [what: string, handler: () => unknown][] = [
      ["acknowledged", () => undefined],
      ["with effects too", () => ack({ effects: [["INCRBY", counter, 1]] })],
      ["failing", () => Promise.reject(new Error("no"))],
      ["asking to wait", () => retry()],
    ];
    const asked: [how: string, options: Partial<EveryDrainOption<never>>][] = [
      ["in a row", {}],
      ["claimed ahead", { prefetch: 1 }],
      ["by key", { order: { byKey: ({ payload }) => payload } }],
    ];
    const rows = beside.flatMap(([what, others]) =>
      asked.map(([how, options]) => [what, how, others, options] as const),
    );

    it.each(rows)(
      "is told by the report where its settle is asked for again: beside messages %s, %s",
      async (_what, _how, others, options) => {
        for (let failing = 1; failing <= 4; failing++) {
          await door.redis.flushall();
          await door.redis.set(next, "text");
          await produce(...numbered(5));
          const redis = faulty(only(failing, "lose-reply"));
          const failures: string[] = [];
          const report = await make({
            ...options,
            redis,
            batchSize: 2,
            handler: ((message: { payload: string }) =>
              /[13]/.test(message.payload) ? forward(next, message.payload) : others()) as never,
            on: { "message:failed": ({ message }: Failure) => void failures.push(message.payload) },
          } as never).run({ maxMessages: 5 });

          const about = `request ${failing}: ${JSON.stringify(report)}`;
          const stats = await make().stats();
          expect(stats.delayed + stats.parked, about).toBe(report.retried);
          expect(report.acked, about).toBe(Number((await door.redis.get(counter)) ?? report.acked));
          expect(failures.filter((payload) => /[13]/.test(payload)).sort(), about).toEqual(["m1", "m3"]);
          expect(report.error, about).toBeNull();
        }
      },
    );

    it("leaves what it has noted for no longer than its lease", async () => {
      await door.redis.set(next, "text");
      await produce("a");
      await make({ leaseMs: 60_000, handler: () => forward(next, "a") }).run();
      const [kept, ...others] = await door.redis.keys("*:done:*");
      expect(others).toEqual([]);
      const leftMs = await door.redis.pttl(kept as string);
      expect(leftMs).toBeGreaterThan(0);
      expect(leftMs).toBeLessThanOrEqual(120_000);
    });

    it("counts for the brake as any failure does", async () => {
      await door.redis.set(next, "text");
      await produce(...numbered(8));
      const report = await make({
        batchSize: 4,
        brake: { after: 3 },
        handler: (message) => forward(next, message.payload),
      }).run();
      expect(report).toMatchObject({ acked: 0, released: 4, stopped: "braked" });
    });
  });
}
