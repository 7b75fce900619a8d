import { type } from "arktype";
import * as v from "valibot";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import {
  ack,
  createDrain,
  type DeadLetter,
  type Drain,
  type DrainOptions,
  deadLetter,
  type Message,
  NonRetryableError,
  OptionError,
  type RedisClient,
  release,
  retry,
} from "../../src/index.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { SideDoor } from "../support/side-door.ts";
import type { EngineUnderTest } from "./engine.ts";

const list = "mail";

/** What a handler may say, and what comes of it, with every engine over every client. */
export function outcomesConformance(name: string, under: EngineUnderTest): void {
  describe(name, () => {
    let server: RedisServer;
    let client: RedisClient;
    let door: SideDoor;

    beforeAll(async () => {
      server = await under.startServer();
      client = await under.openClient(server);
      door = new SideDoor(server.url);
    });

    afterEach(async () => {
      await door.redis.flushall();
    });

    afterAll(async () => {
      await client?.close();
      door?.close();
      await server?.stop();
    });

    const make = (options: Partial<DrainOptions<never>> = {}): Drain =>
      createDrain({
        redis: client,
        list,
        // A batch at a time, so that a test can say which messages are where; the others claim ahead.
        prefetch: 0,
        engine: under.engine,
        concurrency: 1,
        // The longest of the random delays: nothing is due again while its own run goes on.
        random: () => 1,
        ...(options.batchHandler ? {} : { handler: () => undefined }),
        ...options,
      } as unknown as DrainOptions);

    const produce = (...payloads: string[]): Promise<number> => door.redis.lpush(list, ...payloads);

    /** Every key with messages in it; what the brake notes of failures is not one. */
    const places = async (): Promise<string[]> =>
      Object.keys(await door.everything()).filter((key) => !key.endsWith(":brake"));

    describe("a handler", () => {
      it("acknowledges by returning nothing, ack, or anything that is no outcome", async () => {
        const said: Record<string, unknown> = { a: undefined, b: ack, c: true, d: { status: 500 } };
        await produce(...Object.keys(said));

        const report = await make({ handler: ((message: Message) => said[message.payload]) as never }).run();

        expect(report).toMatchObject({ acked: 4, retried: 0, stopped: "empty" });
        expect(await door.everything()).toEqual({});
      });

      it("has its message tried again after as long as it says, with an attempt counted", async () => {
        await produce("a");
        const attempts: number[] = [];
        const drain = make({
          handler: (message) => {
            attempts.push(message.attempt);
            return message.attempt === 1 ? retry({ afterMs: 500_000 }) : ack;
          },
        });

        const report = await drain.run();

        expect(report).toMatchObject({ retried: 1, acked: 0, remaining: 0, stopped: "empty" });
        const [, dueAt] = await door.redis.zrange(`{${list}}:delayed`, 0, "-1", "WITHSCORES");
        expect(Math.abs(Number(dueAt) - Date.now() - 500_000)).toBeLessThan(60_000);
        expect(await drain.run()).toMatchObject({ claimed: 0, stopped: "empty", nextDueAt: Number(dueAt) });
        await door.makeDue(list);
        expect(await drain.run()).toMatchObject({ acked: 1 });
        expect(attempts).toEqual([1, 2]);
        expect(await door.everything()).toEqual({});
      });

      it("sends its message to the dead letters with its own reason", async () => {
        await produce("a");
        const drain = make({ handler: () => deadLetter("no such customer") });

        expect(await drain.run()).toMatchObject({ deadLettered: 1, stopped: "empty" });

        const [letter] = await drain.deadLetters.list();
        expect(letter).toMatchObject({
          payload: "a",
          list,
          reason: "no such customer",
          attempts: 1,
          error: null,
        });
        expect(await places()).toEqual([`{${list}}:dead`]);
      });

      it("releases its messages in their old order, uncounted, and does not get them again in this run", async () => {
        await produce("a", "b", "c");
        const seen: string[] = [];
        const drain = make({
          handler: (message) => {
            seen.push(`${message.payload}${message.attempt}`);
            return release;
          },
        });

        expect(await drain.run()).toMatchObject({ claimed: 3, released: 3, remaining: 3, stopped: "empty" });
        expect(await door.waiting(list)).toEqual(["a", "b", "c"]);
        await drain.run();
        expect(seen).toEqual(["a1", "b1", "c1", "a1", "b1", "c1"]);
        expect(await places()).toEqual([list]);
      });

      it.each([
        ["NonRetryableError", () => new NonRetryableError("gone")],
        ["an error of that name", () => Object.assign(new Error("gone"), { name: "NonRetryableError" })],
      ])("that throws %s is not asked again", async (_, makeError) => {
        await produce("a");
        const drain = make({
          handler: () => {
            throw makeError();
          },
        });

        expect(await drain.run()).toMatchObject({ deadLettered: 1, retried: 0 });
        expect(await drain.deadLetters.list()).toMatchObject([
          { reason: "non-retryable", attempts: 1, error: { name: "NonRetryableError", message: "gone" } },
        ]);
      });

      it("that takes longer than handlerTimeoutMs is told by the signal, and its message is tried again", async () => {
        await produce("slow", "quick");
        const clock = new ManualClock();
        let reason: unknown;
        const drain = make({
          clock,
          handlerTimeoutMs: 1_000,
          handler: (message) => {
            if (message.payload === "quick") return undefined;
            expect(message.remainingMs()).toBe(1_000);
            message.signal.addEventListener("abort", () => {
              reason = message.signal.reason;
            });
            queueMicrotask(() => clock.advance(1_000));
            return new Promise(() => undefined);
          },
        });

        const report = await drain.run({ budgetMs: 30_000 });

        expect(reason).toMatchObject({ name: "HandlerTimeoutError" });
        expect(report).toMatchObject({ retried: 1, acked: 1, stopped: "empty" });
        expect(await door.delayed(list)).toEqual(["slow"]);
      });
    });

    describe("a batch handler", () => {
      const run = async (batchHandler: (messages: readonly Message[]) => unknown) => {
        await produce("a", "b", "c");
        const drain = make({ batchHandler: batchHandler as never, brake: false });
        const report = await drain.run();
        return { report, letters: await drain.deadLetters.list() };
      };

      it("returns one outcome for each message", async () => {
        const { report, letters } = await run(() => [ack, retry(), deadLetter("no")]);

        expect(report).toMatchObject({ acked: 1, retried: 1, deadLettered: 1 });
        expect(await door.delayed(list)).toEqual(["b"]);
        expect(letters.map(({ payload }) => payload)).toEqual(["c"]);
      });

      it("may return errors among them, or what Promise.allSettled gives", async () => {
        const { report, letters } = await run(([a, b, c]) =>
          Promise.allSettled([a, Promise.reject(new NonRetryableError(b?.payload)), c]),
        );

        expect(report).toMatchObject({ acked: 2, deadLettered: 1 });
        expect(letters).toMatchObject([{ payload: "b", error: { message: "b" } }]);
      });

      it("may return only the messages that failed", async () => {
        const { report } = await run((messages) => ({ failed: messages.slice(1) }));

        expect(report).toMatchObject({ acked: 1, retried: 2 });
        expect((await door.delayed(list)).sort()).toEqual(["b", "c"]);
      });

      it("may say of each that failed what becomes of it", async () => {
        const { report } = await run((messages) => {
          const says: Record<string, unknown> = { a: release, b: new Error("no") };
          return {
            failed: new Map(
              messages.flatMap(
                (one) => (says[one.payload] ? [[one, says[one.payload]]] : []) as [Message, unknown][],
              ),
            ),
          };
        });

        // The released one is first again. Should it come back alone and be released again, the run ends.
        expect(report).toMatchObject({ acked: 1, retried: 1, remaining: 1, stopped: "empty" });
        expect(await door.waiting(list)).toEqual(["a"]);
      });

      it("fails them all by throwing, and by returning outcomes for fewer than there are", async () => {
        for (const batchHandler of [() => [ack], () => Promise.reject(new Error("no"))]) {
          await door.redis.flushall();
          const { report } = await run(batchHandler);
          expect(report).toMatchObject({ acked: 0, retried: 3 });
        }
      });

      it("acknowledges all by returning nothing, ack, or an array of what are no outcomes", async () => {
        for (const returned of [undefined, ack, [1, 2, 3], [1], "done"]) {
          expect((await run(() => returned)).report).toMatchObject({ acked: 3 });
        }
        expect(await door.everything()).toEqual({});
      });
    });

    describe("retries", () => {
      const failing = (options: Partial<DrainOptions<never>>): Drain =>
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
          onDeadLetter: (letter) => void told.push(letter),
          handler: () => {
            throw new TypeError("no\nway");
          },
        });

        for (let run = 0; run < 3; run++) {
          expect(told).toEqual([]);
          await drain.run();
          await door.makeDue(list);
        }

        const letters = await drain.deadLetters.list();
        expect(letters).toMatchObject([
          { reason: "exhausted", attempts: 3, list, error: { name: "TypeError", message: "no\nway" } },
        ]);
        const [letter] = letters as [DeadLetter];
        expect(Buffer.from(letter.bytes)).toEqual(payload);
        expect(letter.error?.stack).toContain("TypeError: no");
        expect(letter.firstFailedAt).toBeGreaterThanOrEqual(began - 2_000);
        expect(letter.lastFailedAt).toBeGreaterThanOrEqual(letter.firstFailedAt);
        expect(told).toHaveLength(1);
        expect(told[0]).toMatchObject({ reason: "exhausted", attempts: 3, error: { name: "TypeError" } });
        expect(Buffer.from((told[0] as DeadLetter).bytes)).toEqual(payload);
        expect(await places()).toEqual([`{${list}}:dead`]);
      });

      it("of one attempt never happen: maxAttempts 1 buries at the first failure", async () => {
        await produce("a");
        expect(await failing({ maxAttempts: 1 }).run()).toMatchObject({ deadLettered: 1, retried: 0 });
      });

      it("do not depend on a hook that throws", async () => {
        await produce("a");
        const drain = failing({
          maxAttempts: 1,
          onDeadLetter: () => {
            throw new Error("hook");
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

    describe("dead letters", () => {
      /** Buries these, the first given first. */
      const bury = async (options: Partial<DrainOptions<never>>, ...payloads: string[]): Promise<Drain> => {
        await produce(...payloads);
        const drain = make({ ...options, batchSize: 7, handler: (message) => deadLetter(message.payload) });
        expect(await drain.run()).toMatchObject({ deadLettered: payloads.length });
        return drain;
      };
      const payloadsOf = (letters: readonly DeadLetter[]): string[] => letters.map(({ payload }) => payload);
      const many = Array.from({ length: 250 }, (_, at) => `m${at}`);

      it("are counted and read, the oldest or the newest first, filtered and bounded", async () => {
        const { deadLetters } = await bury({}, ...many);

        expect(await deadLetters.count()).toBe(250);
        expect(payloadsOf(await deadLetters.list())).toEqual(many.slice(0, 100));
        expect(payloadsOf(await deadLetters.list({ max: 3, order: "newest" }))).toEqual([
          "m249",
          "m248",
          "m247",
        ]);
        const filter = ({ reason }: DeadLetter): boolean => reason.endsWith("9");
        expect(payloadsOf(await deadLetters.list({ max: 1_000, filter }))).toEqual(
          many.filter((one) => one.endsWith("9")),
        );
      });

      it("return to the list in their order, with a fresh count of attempts", async () => {
        const payload = Buffer.from([0xff, 0x0a, 0x00]);
        const { deadLetters } = await bury({}, ...many);
        await door.redis.lpush(list, payload);
        await make({ handler: () => deadLetter("no") }).run();
        await produce("waiting");

        expect(await deadLetters.redrive()).toEqual({ redriven: 251 });

        const seen: string[] = [];
        const bytes: number[][] = [];
        await make({
          handler: (message) => {
            seen.push(`${message.payload}${message.attempt}`);
            bytes.push([...message.bytes]);
          },
        }).run();
        expect(seen.slice(0, 251)).toEqual(["waiting1", ...many.map((one) => `${one}1`)]);
        expect(bytes[251]).toEqual([...payload]);
        expect(await door.everything()).toEqual({});
      });

      it("are redriven as many and as chosen as asked, those left keeping their order", async () => {
        const { deadLetters } = await bury({}, ...many);
        const filter = ({ payload }: DeadLetter): boolean => payload.endsWith("0");

        expect(await deadLetters.redrive({ filter, max: 5, dryRun: true })).toEqual({ redriven: 5 });
        expect(await deadLetters.count()).toBe(250);
        expect(await deadLetters.redrive({ filter, max: 5, order: "newest" })).toEqual({ redriven: 5 });
        expect(await door.waiting(list)).toEqual(["m240", "m230", "m220", "m210", "m200"]);
        expect(await deadLetters.redrive({ filter, max: 2 })).toEqual({ redriven: 2 });
        expect((await door.waiting(list)).slice(5)).toEqual(["m0", "m10"]);
        const gone = new Set(await door.waiting(list));
        expect(payloadsOf(await deadLetters.list({ max: 300 }))).toEqual(
          many.filter((one) => !gone.has(one)),
        );
      });

      it("are purged as chosen, or only counted", async () => {
        const { deadLetters } = await bury({}, "a", "a", "b");

        expect(await deadLetters.purge({ dryRun: true })).toEqual({ purged: 3 });
        expect(await deadLetters.purge({ filter: ({ payload }) => payload === "a", max: 1 })).toEqual({
          purged: 1,
        });
        expect(payloadsOf(await deadLetters.list())).toEqual(["a", "b"]);
        expect(await deadLetters.purge()).toEqual({ purged: 2 });
        expect(await door.everything()).toEqual({});
      });

      it("are kept up to maxCount, the newest of them", async () => {
        const { deadLetters } = await bury({ deadLetters: { maxCount: 3 } }, "a", "b", "c", "d", "e");
        expect(payloadsOf(await deadLetters.list())).toEqual(["c", "d", "e"]);
      });

      it("that another program put there are read, redriven and kept apart", async () => {
        await door.redis.lpush(`{${list}}:dead`, "foreign\npayload", "{}");
        const { deadLetters } = make();

        expect(await deadLetters.list()).toMatchObject([
          { payload: "foreign\npayload", reason: "unknown" },
          { payload: "{}", reason: "unknown" },
        ]);
        await deadLetters.redrive();
        expect(await door.waiting(list)).toEqual(["foreign\npayload", "{}"]);
      });

      it("refuse options that they do not know", async () => {
        const { deadLetters } = make();
        await expect(deadLetters.redrive({ max: 0 })).rejects.toThrow(OptionError);
        await expect(deadLetters.purge({ olderThan: 1 } as never)).rejects.toThrow(OptionError);
      });
    });

    describe("a schema", () => {
      const schemas = {
        zod: z.object({ n: z.number().transform((n) => n + 1) }),
        valibot: v.pipeAsync(
          v.objectAsync({
            n: v.pipe(
              v.number(),
              v.transform((n) => n + 1),
            ),
          }),
        ),
        arktype: type({ n: type("number").pipe((n) => n + 1) }),
      };

      it.each(Object.entries(schemas))(
        "of %s gives the value, and keeps what does not fit from the handler",
        async (_, schema) => {
          await produce('{"n":1}', '{"n":"one"}', "not json");
          const values: unknown[] = [];
          const drain = make({
            schema: schema as never,
            handler: (message) => void values.push(message.value),
          });

          expect(await drain.run()).toMatchObject({ acked: 1, deadLettered: 2, retried: 0 });

          expect(values).toEqual([{ n: 2 }]);
          const [invalid, undecodable] = await drain.deadLetters.list();
          expect(invalid).toMatchObject({ payload: '{"n":"one"}', reason: "invalid", attempts: 1 });
          expect(invalid?.issues[0]?.path).toBe("n");
          expect(invalid?.error?.message).toMatch(/^The message does not fit the schema: n: ./);
          expect(undecodable).toMatchObject({ payload: "not json", reason: "undecodable" });
        },
      );

      it("keeps what does not fit from a batch handler, which gets the others", async () => {
        await produce('{"n":"one"}', '{"n":1}', '{"n":2}');
        const values: unknown[] = [];
        const drain = make({
          schema: schemas.zod as never,
          batchHandler: (messages: readonly Message<{ n: number }>[]) => {
            values.push(...messages.map(({ value }) => value.n));
            return [undefined, retry()];
          },
        });

        expect(await drain.run()).toMatchObject({ acked: 1, retried: 1, deadLettered: 1 });
        expect(values).toEqual([2, 3]);
        expect(await door.delayed(list)).toEqual(['{"n":2}']);
      });

      it("is refused when it is none", () => {
        expect(() => make({ schema: { parse: () => 1 } as never })).toThrow(OptionError);
      });
    });

    describe("a codec", () => {
      it("decodes what is not JSON, and what it cannot decode is not tried again", async () => {
        await produce("a=1", "nonsense");
        const values: unknown[] = [];
        const drain = make({
          codec: {
            decode: ({ payload }) => {
              if (!payload.includes("=")) throw new RangeError("no =");
              return payload.split("=") as never;
            },
          },
          handler: (message) => void values.push(message.value),
        });

        expect(await drain.run()).toMatchObject({ acked: 1, deadLettered: 1 });
        expect(values).toEqual([["a", "1"]]);
        expect(await drain.deadLetters.list()).toMatchObject([
          { payload: "nonsense", reason: "undecodable" },
        ]);
      });
    });
  });
}
