import { describe, expect, it } from "vitest";
import { type DeadLetter, type Drain, type EveryDrainOption, RedisReplyError } from "../../src/index.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { list, recording, type Setup } from "./setup.ts";

/** A message runs again only where it failed, and a bounded number of times. */
export function attemptsSuite(setup: Setup): void {
  const { door, make, produce, places } = setup;

  describe("failures", () => {
    it("delays a failed message, counts its attempt, and goes on with the others", async () => {
      await produce("a", "bad", "c", "d");
      const { seen, handler } = recording();

      const report = await make({
        batchSize: 2,
        handler: (message) => {
          handler(message);
          if (message.payload === "bad") throw new Error("no");
        },
      }).run();

      expect(seen).toEqual(["a", "bad", "c", "d"]);
      expect(report).toMatchObject({ claimed: 4, acked: 3, retried: 1, remaining: 0, stopped: "empty" });
      expect(report.nextDueAt).toBeGreaterThan(0);
      expect(await door.delayed(list)).toEqual(["bad"]);
      const keys = Object.keys(await door.everything()).filter((key) => !key.endsWith(":brake"));
      expect(keys).toEqual([`{${list}}:delayed`]);
    });

    it("tells the handler which attempt it is, and forgets the attempts once acknowledged", async () => {
      await produce("flaky");
      const attempts: number[] = [];
      const drain = make({
        handler: (message) => {
          attempts.push(message.attempt);
          if (message.attempt < 3) throw new Error("not yet");
        },
      });

      for (let run = 0; run < 3; run++) {
        await drain.run();
        await door.makeDue(list);
      }

      expect(attempts).toEqual([1, 2, 3]);
      expect(await door.everything()).toEqual({});
    });

    it("reports a list key of the wrong type as an error, touches nothing, and never calls the handler", async () => {
      await door.redis.set(list, "a string");
      const { seen, handler } = recording();

      const report = await make({ handler }).run();

      expect(report.stopped).toBe("error");
      expect(report.error).toBeInstanceOf(RedisReplyError);
      expect((report.error as RedisReplyError).prefix).toBe("WRONGTYPE");
      expect(seen).toEqual([]);
      expect(await door.everything()).toEqual({ [list]: "a string" });
    });

    it("counts an attempt of a message that stops because the budget ended", async () => {
      const clock = new ManualClock();
      await produce("slow");

      const report = await make({
        clock,
        handler: (message) =>
          new Promise((_, reject) => {
            message.signal.addEventListener("abort", () => reject(message.signal.reason));
            queueMicrotask(() => clock.advance(29_200));
          }),
      }).run({ budgetMs: 30_000 });

      expect(report).toMatchObject({ retried: 1, stopped: "budget" });
      expect(await door.delayed(list)).toEqual(["slow"]);
    });
  });

  describe("retries", () => {
    const failing = (options: Partial<EveryDrainOption<never>>): Drain =>
      make({
        ...options,
        handler: () => {
          throw new Error("no");
        },
      });
    const delayAfterRun = async (drain: Drain): Promise<number> => {
      const before = Date.now();
      await drain.run();
      const [, dueAt] = await door.redis.zrange(`{${list}}:delayed`, 0, "-1", "WITHSCORES");
      await door.makeDue(list);
      return Math.abs(Math.round((Number(dueAt) - before) / 10_000) * 10);
    };

    it("wait twice as long each time, up to the cap, and a random part of that", async () => {
      await produce("a");
      const options = { maxAttempts: 6, retryDelay: { baseMs: 100_000, maxMs: 600_000 } };
      const longest = failing({ ...options, random: () => 1 });

      const delays = [];
      for (let run = 0; run < 4; run++) delays.push(await delayAfterRun(longest));
      delays.push(await delayAfterRun(failing({ ...options, random: () => 0.5 })));

      expect(delays).toEqual([100, 200, 400, 600, 300]);
    });

    it("wait as long as a function says; one that throws or says nonsense leaves the default", async () => {
      await produce("a");
      const told: unknown[] = [];
      const drain = failing({
        retryDelay: ({ attempt, error, message }) => {
          told.push([attempt, (error as Error).message, message.payload]);
          return attempt * 100_000;
        },
      });

      expect([await delayAfterRun(drain), await delayAfterRun(drain)]).toEqual([100, 200]);
      expect(told).toEqual([
        [1, "no", "a"],
        [2, "no", "a"],
      ]);
      for (const retryDelay of [() => Number.NaN, () => Promise.reject(new Error("no")) as never]) {
        await door.redis.flushall();
        await produce("a");
        expect(await delayAfterRun(failing({ retryDelay }))).toBe(0);
      }
    });

    it("end in the dead letters after maxAttempts, payload to the byte, with all there is to know", async () => {
      const payload = Buffer.from([0x61, 0x0a, 0xff, 0x00, 0xc3, 0x0a]);
      await door.redis.lpush(list, payload);
      const told: DeadLetter[] = [];
      const began = Date.now();
      const drain = make({
        maxAttempts: 3,
        on: { "message:dead-lettered": ({ letter }) => void told.push(letter) },
        handler: () => {
          throw new TypeError("no\nway");
        },
      });

      for (let run = 0; run < 3; run++) {
        expect(told).toEqual([]);
        await drain.run();
        await door.makeDue(list);
      }

      const deadLetters = await drain.deadLetters.list();
      expect(deadLetters).toMatchObject([
        { reason: "exhausted", attempts: 3, list, error: { name: "TypeError", message: "no\nway" } },
      ]);
      const [dead] = deadLetters as [DeadLetter];
      expect(Buffer.from(dead.bytes)).toEqual(payload);
      expect(dead.error?.stack).toContain("TypeError: no");
      expect(dead.firstFailedAt).toBeGreaterThanOrEqual(began - 2_000);
      expect(dead.lastFailedAt).toBeGreaterThanOrEqual(dead.firstFailedAt);
      expect(told).toHaveLength(1);
      expect(told[0]).toMatchObject({ reason: "exhausted", attempts: 3, error: { name: "TypeError" } });
      expect(Buffer.from((told[0] as DeadLetter).bytes)).toEqual(payload);
      expect(await places()).toEqual([`{${list}}:dead`]);
    });

    it("of one attempt never happen: maxAttempts 1 makes a dead letter at the first failure", async () => {
      await produce("a");
      expect(await failing({ maxAttempts: 1 }).run()).toMatchObject({ deadLettered: 1, retried: 0 });
    });

    it("do not depend on a listener that throws", async () => {
      await produce("a");
      const drain = failing({
        maxAttempts: 1,
        on: {
          "message:dead-lettered": () => {
            throw new Error("listener");
          },
        },
      });
      expect(await drain.run()).toMatchObject({ deadLettered: 1, stopped: "empty", error: null });
    });

    it("shorten what errors bring along", async () => {
      await produce("a");
      const drain = make({
        maxAttempts: 1,
        handler: () => {
          const error = new Error("x".repeat(100_000));
          error.stack = "y".repeat(100_000);
          throw error;
        },
      });
      await drain.run();
      const [entry] = await door.redis.lrange(`{${list}}:dead`, 0, -1);
      expect(entry?.length).toBeLessThan(6_000);
    });
  });

  if (setup.engine === "scripted") {
    describe("equal payloads", () => {
      it("keep separate attempts: one that fails always dies alone, after its own maxAttempts", async () => {
        await produce("same", "same", "same");
        let calls = 0;
        const drain = make({
          maxAttempts: 4,
          retryDelay: () => 0,
          handler: () => {
            calls += 1;
            // The first copy seen in each round fails.
            if (calls === 1 || calls > 3) throw new Error("no");
          },
        });

        for (let run = 0; run < 4; run++) {
          await drain.run();
          await door.makeDue(list);
        }

        expect(calls).toBe(3 + 3);
        expect(await drain.deadLetters.list()).toMatchObject([{ payload: "same", attempts: 4 }]);
        expect(Object.keys(await door.everything())).toEqual([`{${list}}:dead`]);
      });

      it("that fail together each have all their attempts", async () => {
        await produce("same", "same");
        const attempts: number[] = [];
        const drain = make({
          maxAttempts: 3,
          handler: (message) => {
            attempts.push(message.attempt);
            throw new Error("no");
          },
        });
        for (let run = 0; run < 3; run++) {
          await drain.run();
          await door.makeDue(list);
        }
        expect(attempts).toEqual([1, 1, 2, 2, 3, 3]);
        expect((await drain.deadLetters.list()).map((dead) => dead.attempts)).toEqual([3, 3]);
      });
    });
  }
}
