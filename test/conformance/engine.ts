import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import {
  createDrain,
  type Drain,
  type DrainOptions,
  type DrainReport,
  type Message,
  type RedisClient,
  RedisReplyError,
} from "../../src/index.ts";
import { type Fault, faultyClient } from "../support/faulty-client.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { SideDoor } from "../support/side-door.ts";

export interface EngineUnderTest {
  readonly engine: "scripted" | "plain";
  /** Starts the Redis that this run of the suite uses. */
  startServer(): Promise<RedisServer>;
  /** Opens the client under test to it. */
  openClient(server: RedisServer): Promise<RedisClient>;
}

const list = "mail";

/** What every engine promises over every client. Each test looks into Redis by the side door before and after. */
export function engineConformance(name: string, under: EngineUnderTest): void {
  const isScripted = under.engine === "scripted";

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

    const make = (options: Partial<DrainOptions> = {}): Drain =>
      createDrain({
        redis: client,
        list,
        // A batch at a time, so that a test can say which messages are where; the others claim ahead.
        prefetch: 0,
        engine: under.engine,
        // The longest of the random delays: nothing is due again while its own run goes on.
        random: () => 1,
        ...(options.batchHandler ? {} : { handler: () => undefined }),
        ...options,
      } as DrainOptions);

    /** Producers of any language push to the left end. */
    const produce = (...payloads: string[]): Promise<number> => door.redis.lpush(list, ...payloads);

    const recording = (): { seen: string[]; handler: (message: Message) => void } => {
      const seen: string[] = [];
      return { seen, handler: (message) => void seen.push(message.payload) };
    };

    describe("order", () => {
      it("handles messages first in, first out, and leaves no key behind", async () => {
        const payloads = Array.from({ length: 25 }, (_, at) => `m${at}`);
        await produce(...payloads);
        const { seen, handler } = recording();

        const report = await make({ handler, concurrency: 1, batchSize: 10 }).run();

        expect(seen).toEqual(payloads);
        expect(report).toMatchObject({ claimed: 25, acked: 25, remaining: 0, stopped: "empty", error: null });
        expect(await door.everything()).toEqual({});
      });

      it("serves an RPUSH before everything that was pushed on the left", async () => {
        await produce("second", "third");
        await door.redis.rpush(list, "first");
        const { seen, handler } = recording();

        await make({ handler, concurrency: 1 }).run();

        expect(seen).toEqual(["first", "second", "third"]);
      });

      it("hides the round trip behind the handlers with prefetch, and keeps the order", async () => {
        const payloads = Array.from({ length: 35 }, (_, at) => `m${at}`);
        await produce(...payloads);
        const { seen, handler } = recording();

        const report = await make({ handler, concurrency: 1, batchSize: 10, prefetch: 1 }).run();

        expect(seen).toEqual(payloads);
        expect(report).toMatchObject({ claimed: 35, acked: 35, remaining: 0, stopped: "empty" });
        expect(await door.everything()).toEqual({});
      });
    });

    describe("sizes", () => {
      it("stops at once with `empty` on an empty list, for one command and one request", async () => {
        await door.resetCommandCount();

        const report = await make().run();

        expect(report).toMatchObject({
          claimed: 0,
          stopped: "empty",
          remaining: 0,
          requests: 1,
          commands: 1,
        });
        expect(await door.commandCount()).toBe(1);
      });

      it("handles a single message", async () => {
        await produce("only");
        const { seen, handler } = recording();

        expect(await make({ handler }).run()).toMatchObject({ acked: 1, stopped: "empty" });
        expect(seen).toEqual(["only"]);
        expect(await door.everything()).toEqual({});
      });

      it("pops with a demand of exactly one", async () => {
        await produce("a", "b", "c");
        const { seen, handler } = recording();

        expect(await make({ handler, batchSize: 1 }).run()).toMatchObject({ acked: 3, stopped: "empty" });
        expect(seen).toEqual(["a", "b", "c"]);
        expect(await door.everything()).toEqual({});
      });

      it("claims a batch bigger than the list", async () => {
        await produce("a", "b");

        expect(await make({ batchSize: 1000 }).run()).toMatchObject({ claimed: 2, acked: 2, remaining: 0 });
      });

      it("stops at maxMessages and says how many remain", async () => {
        await produce(...Array.from({ length: 30 }, (_, at) => `m${at}`));
        const { seen, handler } = recording();

        const report = await make({ handler, batchSize: 10, concurrency: 1 }).run({ maxMessages: 13 });

        expect(report).toMatchObject({ claimed: 13, acked: 13, remaining: 17, stopped: "limit" });
        expect(seen).toHaveLength(13);
        expect(Object.keys(await door.everything())).toEqual([list]);
      });

      it("moves tens of thousands of messages in one batch", async () => {
        const payloads = Array.from({ length: 9_500 }, (_, at) => String(at));
        await produce(...payloads);
        const { seen, handler } = recording();

        const options = { handler, batchSize: 10_000, concurrency: 1, requestTimeoutMs: 60_000 };
        const report = await make(options).run({ budgetMs: 300_000 });

        expect(seen).toEqual(payloads);
        expect(report).toMatchObject({ acked: 9_500, stopped: "empty" });
        expect(await door.everything()).toEqual({});
      });
    });

    describe("payloads", () => {
      const texts = [
        "1.0",
        '{"b":1, "a":2}',
        "12345678901234567890",
        "",
        "null",
        "OK",
        '"quoted"',
        "w2",
        "\0NUL\0",
        "🙂 é \u2028",
        "00123",
        "1e3",
        " spaces ",
        "line\r\nbreak",
      ];

      it("hands over and acknowledges every text to the byte", async () => {
        await produce(...texts);
        const { seen, handler } = recording();

        const report = await make({ handler, concurrency: 1 }).run();

        expect(seen).toEqual(texts);
        expect(report).toMatchObject({ acked: texts.length, lostLease: 0 });
        expect(await door.everything()).toEqual({});
      });

      it("hands over bytes that are no text exactly, and acknowledges them", async () => {
        const all = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
        const surrogate = Buffer.from([0xed, 0xa0, 0x80]);
        const broken = Buffer.from([0x61, 0xff, 0xfe, 0xc3]);
        await door.redis.lpush(list, all, surrogate, broken);
        const seen: Buffer[] = [];

        const report = await make({
          handler: (message) => void seen.push(Buffer.from(message.bytes)),
          concurrency: 1,
        }).run();

        expect(seen).toEqual([all, surrogate, broken]);
        expect(report).toMatchObject({ acked: 3, lostLease: 0, error: null });
        expect(await door.everything()).toEqual({});
      });

      it("returns failed bytes that are no text unchanged", async () => {
        const broken = Buffer.from([0x61, 0xff, 0x00, 0xc3]);
        await door.redis.lpush(list, broken, Buffer.from("fine"));

        await make({
          handler: (message) => {
            if (message.payload !== "fine") throw new Error("no");
          },
        }).run();

        const [member] = await door.redis.zrangeBuffer(`{${list}}:delayed`, 0, "-1");
        expect(member?.subarray(member.indexOf(":") + 1)).toEqual(broken);
        await door.makeDue(list);
        const seen: Buffer[] = [];
        await make({ handler: (message) => void seen.push(Buffer.from(message.bytes)) }).run();
        expect(seen).toEqual([broken]);
      });

      it("acknowledges each of equal payloads once", async () => {
        await produce("same", "same", "other", "same");
        const { seen, handler } = recording();

        const report = await make({ handler, batchSize: 2, concurrency: 1 }).run();

        expect(seen).toEqual(["same", "same", "other", "same"]);
        expect(report).toMatchObject({ acked: 4 });
        expect(await door.everything()).toEqual({});
      });

      it("acknowledges one of equal payloads and returns the other when one of them fails", async () => {
        await produce("same", "same", "same");
        let count = 0;

        const report = await make({
          concurrency: 1,
          handler: () => {
            count += 1;
            if (count === 2) throw new Error("no");
          },
        }).run();

        expect(report).toMatchObject({ acked: 2, retried: 1 });
        expect(await door.waiting(list)).toEqual([]);
        expect(await door.delayed(list)).toEqual(["same"]);
      });

      it("decodes JSON into value, and a payload that is not JSON fails only if value is read", async () => {
        await produce('{"n":1}', "not json");
        const values: unknown[] = [];

        const first = await make({
          handler: (message) => void (message.payload.startsWith("{") && values.push(message.value)),
        }).run();
        await produce("not json");
        const second = await make({ handler: (message) => void values.push(message.value) }).run();

        expect(values).toEqual([{ n: 1 }]);
        expect(first).toMatchObject({ acked: 2 });
        expect(second).toMatchObject({ acked: 0, deadLettered: 1 });
      });
    });

    describe("failures", () => {
      it("delays a failed message, counts its attempt, and goes on with the others", async () => {
        await produce("a", "bad", "c", "d");
        const { seen, handler } = recording();

        const report = await make({
          concurrency: 1,
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

      it("keeps the order of messages that failed together and are due together", async () => {
        const payloads = Array.from({ length: 12 }, (_, at) => `m${at}`);
        await produce(...payloads);
        const { seen, handler } = recording();
        let isDown = true;
        const drain = make({
          batchSize: 5,
          concurrency: 1,
          brake: false,
          retryDelay: () => 60_000,
          handler: (message) => {
            if (isDown) throw new Error("no");
            handler(message);
          },
        });

        const report = await drain.run();

        expect(report).toMatchObject({ claimed: 12, retried: 12, acked: 0, remaining: 0, stopped: "empty" });
        isDown = false;
        await door.makeDue(list);
        await drain.run();
        expect(seen).toEqual(payloads);
        expect(await door.everything()).toEqual({});
      });

      it("acknowledges a whole batch by its batch handler, or returns it whole", async () => {
        await produce("a", "b", "c");
        const batches: string[][] = [];
        const drain = make({
          batchSize: 2,
          batchHandler: async (messages) => {
            batches.push(messages.map((message) => message.payload));
            if (messages.length === 1) throw new Error("no");
          },
        });

        const report = await drain.run();

        expect(batches).toEqual([["a", "b"], ["c"]]);
        expect(report).toMatchObject({ acked: 2, retried: 1 });
        expect(await door.delayed(list)).toEqual(["c"]);
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
    });

    describe("time", () => {
      it("stops at the end of the budget in mid-batch: settles what is done, releases what has not begun", async () => {
        const clock = new ManualClock();
        await produce("a", "b", "c", "d");
        const seen: string[] = [];

        const report = await make({
          clock,
          concurrency: 1,
          handler: (message) => {
            seen.push(message.payload);
            if (message.payload === "b") clock.advance(29_200);
          },
        }).run({ budgetMs: 30_000 });

        expect(seen).toEqual(["a", "b"]);
        expect(report).toMatchObject({ claimed: 4, acked: 2, released: 2, remaining: 2, stopped: "budget" });
        expect(await door.waiting(list)).toEqual(["c", "d"]);
        expect(Object.keys(await door.everything())).toEqual([list]);
      });

      it("aborts the message's signal at the deadline, and leaves leased what still does not stop", async () => {
        const clock = new ManualClock();
        await produce("stuck", "next");
        let signal: AbortSignal | undefined;

        const report = await make({
          clock,
          concurrency: 1,
          handler: (message) => {
            signal = message.signal;
            expect(signal.aborted).toBe(false);
            expect(message.remainingMs()).toBeGreaterThan(0);
            queueMicrotask(() => clock.advance(60_000));
            return new Promise(() => undefined);
          },
        }).run({ budgetMs: 30_000 });

        expect(signal?.aborted).toBe(true);
        expect(report).toMatchObject({ claimed: 2, acked: 0, released: 1, stopped: "budget" });
        expect(await door.waiting(list)).toEqual(["next"]);
        const working = Object.entries(await door.everything()).filter(([key]) => key.includes(":working"));
        expect(working.map(([, messages]) => messages)).toEqual([["stuck"]]);
      });

      if (isScripted) {
        it.each([
          [
            "has its chain wait for the end of the lease, if it has a timer, for until then its slot is taken",
            1,
            true,
          ],
          ["goes on at once where there is no timer", 1, false],
          ["goes on at once where another drain may come", 2, true],
        ] as const)("with a handler left running, %s", async (_title, maxConcurrency, hasTimer) => {
          const clock = new ManualClock();
          await produce("done", "stuck", "next");
          const called: unknown[] = [];
          const invoke = async () => {
            called.push("at once");
            return null;
          };
          const invokeLater = async ({ inMs }: { inMs: number }) => {
            called.push(inMs);
            return null;
          };

          await make({
            clock,
            concurrency: 1,
            maxConcurrency,
            continuation: { name: "test", invoke, ...(hasTimer ? { invokeLater } : {}) },
            handler: ({ payload }) => {
              if (payload === "done") return undefined;
              queueMicrotask(() => clock.advance(60_000));
              return new Promise(() => undefined);
            },
          }).run({ budgetMs: 30_000 });

          const [lease] = (await door.redis.zrange("{mail}:leases", 0, "-1", "WITHSCORES")).slice(1);
          const inMs = Number(lease) - Date.now();
          if (maxConcurrency === 1 && hasTimer) {
            expect(called).toEqual([expect.closeTo(inMs, -4)]);
          } else expect(called).toEqual(["at once"]);
        });
      }

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

      it("ends early when aborted from outside, and releases what it cut short without counting an attempt", async () => {
        await produce("a", "b", "c");
        const controller = new AbortController();

        const report = await make({
          concurrency: 1,
          handler: (message) =>
            message.payload === "a"
              ? undefined
              : new Promise((_, reject) => {
                  message.signal.addEventListener("abort", () => reject(message.signal.reason));
                  controller.abort();
                }),
        }).run({ signal: controller.signal });

        expect(report).toMatchObject({ acked: 1, released: 2, retried: 0, stopped: "aborted" });
        expect(await door.waiting(list)).toEqual(["b", "c"]);
        expect(Object.keys(await door.everything())).toEqual([list]);
      });

      it("gives back a batch that it has claimed ahead, and the rest of the one before it, in their old order", async () => {
        const payloads = Array.from({ length: 12 }, (_, at) => `m${at}`);
        await produce(...payloads);
        const controller = new AbortController();

        const report = await make({
          concurrency: 1,
          batchSize: 3,
          prefetch: 1,
          handler: async ({ payload }) => {
            if (payload !== "m4") return;
            // The batch after this one is in hand, too.
            await vi.waitUntil(async () => (await door.redis.llen(list)) === 3, {
              interval: 5,
              timeout: 10_000,
            });
            controller.abort();
            throw new Error("cut short");
          },
        }).run({ signal: controller.signal });

        expect(report).toMatchObject({ acked: 4, released: 5, stopped: "aborted" });
        expect(await door.waiting(list)).toEqual(payloads.slice(4));
        expect(Object.keys(await door.everything())).toEqual([list]);
      });

      it("sends nothing when the signal was aborted before", async () => {
        await produce("a");

        const report = await make().run({ signal: AbortSignal.abort() });

        expect(report).toMatchObject({ claimed: 0, requests: 0, commands: 0, stopped: "aborted" });
      });

      it("claims no more than the time left can take", async () => {
        const clock = new ManualClock();
        await produce(...Array.from({ length: 40 }, (_, at) => `m${at}`));

        const report = await make({
          clock,
          concurrency: 1,
          batchSize: 10,
          reserveMs: 0,
          handler: () => clock.advance(1_000),
        }).run({ budgetMs: 25_500 });

        // Ten, ten, and then the five that fit: none claimed in vain.
        expect(report).toMatchObject({
          claimed: 25,
          acked: 25,
          released: 0,
          remaining: 15,
          stopped: "budget",
        });
      });
    });

    describe("races", () => {
      it("hands each message to one of several racing drains", async () => {
        const payloads = Array.from({ length: 500 }, (_, at) => `m${at}`);
        await produce(...payloads);
        const { seen, handler } = recording();
        const drains = Array.from({ length: 4 }, () => make({ handler, batchSize: 7, maxConcurrency: 4 }));

        const reports = await Promise.all(drains.map((drain) => drain.run()));

        expect(seen.sort()).toEqual(payloads.sort());
        expect(reports.reduce((sum, report) => sum + report.acked, 0)).toBe(500);
        // The plain engine may have noted a message as seen just after another drain was done with it; the next tick looks.
        if (!isScripted) await make().run();
        expect(await door.everything()).toEqual({});
      });

      it("loses no message whichever request or reply is lost", async () => {
        const faults: Fault[] = ["lose-request", "lose-reply"];
        for (const fault of faults) {
          for (let failing = 0; failing < 5; failing++) {
            await door.redis.flushall();
            await produce("a", "b", "c", "d");
            const { seen, handler } = recording();
            const faulty = faultyClient(client, (index) => (index === failing ? fault : "none"));

            await make({ redis: faulty, handler, batchSize: 2, concurrency: 1 }).run();

            const everything = await door.everything();
            const held = Object.entries(everything)
              .filter(([key]) => key === list || key.includes(":working"))
              .flatMap(([, messages]) => messages as string[]);
            expect(new Set([...seen, ...held])).toEqual(new Set(["a", "b", "c", "d"]));
          }
        }
      });
    });

    describe("housekeeping", () => {
      it("pushes text and bytes so that the first given comes first", async () => {
        const drain = make();

        expect(await drain.push(["a", "é"])).toEqual({ length: 2 });
        expect(await drain.push(new Uint8Array([0xff]))).toEqual({ length: 3 });

        const { seen, handler } = recording();
        await make({ handler, concurrency: 1 }).run();
        expect(seen).toEqual(["a", "é", "\ufffd"]);
      });

      it("tells how many messages are where", async () => {
        await produce("a", "b", "c");
        let during: unknown;
        const drain = make({
          batchSize: 2,
          concurrency: 1,
          handler: async (message) => {
            if (message.payload === "a") during = await drain.stats();
          },
        });

        await drain.run();

        expect(during).toMatchObject({ list: 1, working: 2, delayed: 0, dead: 0 });
        expect(await drain.stats()).toMatchObject({ list: 0, working: 0, leases: 0 });
      });

      it("counts requests and commands as Redis itself does", async () => {
        await produce(...Array.from({ length: 95 }, (_, at) => `m${at % 40}`));
        await make().stats();
        await make().run({ maxMessages: 5 });
        await door.resetCommandCount();

        const report = await make({
          batchSize: 20,
          handler: (message) => {
            if (message.payload === "m7") throw new Error("no");
          },
        }).run();

        expect(report.retried).toBeGreaterThan(0);
        expect(await door.commandCount()).toBe(report.commands);
      });
    });

    if (isScripted) scriptedPromises();
    else plainPromises();

    function scriptedPromises(): void {
      it("moves a batch exactly as RPOPLPUSH would, for the whole time it is worked on", async () => {
        await produce("a", "b", "c");
        let during: Record<string, unknown> = {};

        await make({
          batchSize: 2,
          concurrency: 1,
          randomId: () => "d",
          handler: async (message) => {
            if (message.payload === "a") during = await door.everything();
          },
        }).run();

        await door.redis.lpush("reference", "a", "b", "c");
        await door.redis.rpoplpush("reference", "reference:working");
        await door.redis.rpoplpush("reference", "reference:working");
        expect(during[list]).toEqual(["c"]);
        expect(during[`{${list}}:working:d.1`]).toEqual(await door.redis.lrange("reference:working", 0, -1));
        expect((during[`{${list}}:leases`] as string[])[0]).toBe("d.1");
      });

      it("runs a message once whichever reply is lost, and reports it as acknowledged", async () => {
        for (let failing = 0; failing < 6; failing++) {
          await door.redis.flushall();
          await produce("a", "b", "c", "d", "e");
          const { seen, handler } = recording();
          const faulty = faultyClient(client, (index) => (index === failing ? "lose-reply" : "none"));

          const report = await make({ redis: faulty, handler, batchSize: 2, concurrency: 1 }).run();

          expect(seen).toEqual(["a", "b", "c", "d", "e"]);
          expect(report).toMatchObject({ claimed: 5, acked: 5, lostLease: 0, stopped: "empty", error: null });
          expect(await door.everything()).toEqual({});
        }
      });

      it("does the same when every request arrives twice", async () => {
        for (const prefetch of [0, 1] as const) {
          await door.redis.flushall();
          await produce("a", "bad", "c", "d", "e");
          const { seen, handler } = recording();
          const doubling = faultyClient(client, () => "double");

          const report = await make({
            redis: doubling,
            prefetch,
            batchSize: 2,
            concurrency: 1,
            handler: (message) => {
              handler(message);
              if (message.payload === "bad") throw new Error("no");
            },
          }).run();

          expect(seen.slice(0, 3)).toEqual(["a", "bad", "c"]);
          expect(new Set(seen).size).toBe(seen.length);
          expect(report).toMatchObject({ retried: 1, error: null });
          expect(await door.delayed(list)).toEqual(["bad"]);
          expect(Object.keys(await door.everything()).filter((key) => key.includes(":working"))).toEqual([]);
        }
      });

      it("does the same when every third reply is lost, with failures and prefetch", async () => {
        const payloads = Array.from({ length: 60 }, (_, at) => `m${at}`);
        await produce(...payloads);
        const counts = new Map<string, number>();
        const faulty = faultyClient(client, (index) => (index % 3 === 2 ? "lose-reply" : "none"));
        const drain = make({
          redis: faulty,
          prefetch: 1,
          batchSize: 7,
          handler: (message) => {
            counts.set(message.payload, (counts.get(message.payload) ?? 0) + 1);
            if (message.payload === "m13" && message.attempt === 1) throw new Error("no");
          },
        });

        const reports = [];
        do {
          reports.push(await drain.run());
          await door.makeDue(list);
        } while ((await door.redis.exists(list, `{${list}}:delayed`)) > 0);

        expect([...counts.entries()].filter(([, count]) => count > 1)).toEqual([["m13", 2]]);
        expect(counts.size).toBe(60);
        expect(reports.reduce((sum, report) => sum + report.acked, 0)).toBe(60);
        expect(await door.everything()).toEqual({});
      });

      it("survives a script flush between any two requests", async () => {
        await produce("a", "b", "c");
        const { seen, handler } = recording();

        const report = await make({
          batchSize: 1,
          concurrency: 1,
          handler: async (message) => {
            handler(message);
            await door.redis.script("FLUSH");
          },
        }).run();

        expect(seen).toEqual(["a", "b", "c"]);
        expect(report).toMatchObject({ acked: 3, error: null });
      });

      it("refuses the late settle of a drain whose expired lease another has recovered", async () => {
        await produce("a", "b");
        const late: string[] = [];
        const again = recording();

        const report = await make({
          batchSize: 2,
          concurrency: 1,
          handler: async (message) => {
            late.push(message.payload);
            if (message.payload !== "b") return;
            await door.expireLeases(list);
            const other = await make({ handler: again.handler, concurrency: 1 }).run();
            expect(other).toMatchObject({ recovered: 2, acked: 2 });
            await produce("a");
          },
        }).run({ maxMessages: 2 });

        expect(late).toEqual(["a", "b"]);
        expect(again.seen).toEqual(["a", "b"]);
        expect(report).toMatchObject({ claimed: 2, acked: 0, lostLease: 2 });
        expect(await door.waiting(list)).toEqual(["a"]);
      });

      it("reports messages of a lost lease as lost, never as acknowledged", async () => {
        await produce("a");
        // By Redis' own clock: gone before the handler returns.
        const report = await make({
          leaseMs: 100,
          handler: async () => {
            let other = await make().run();
            while (other.acked === 0) other = await make().run();
          },
        }).run();

        expect(report).toMatchObject({ claimed: 1, acked: 0, lostLease: 1 });
        expect(await door.everything()).toEqual({});
      });

      it("accepts a late settle as long as no one has recovered the lease", async () => {
        await produce("a");

        const report = await make({ handler: () => door.expireLeases(list) }).run();

        expect(report).toMatchObject({ acked: 1, lostLease: 0 });
        expect(await door.everything()).toEqual({});
      });

      it("recovers what a dead drain held, in its old order and before everything newer, counting an attempt", async () => {
        await produce("new");
        await door.redis.lpush(`{${list}}:working:dead.1`, "a", "b");
        await door.redis.lpush(`{${list}}:working:dead.2`, "c");
        await door.redis.zadd(`{${list}}:leases`, 1_000, "dead.1", 2_000, "dead.2");
        const seen: string[] = [];

        const report = await make({
          concurrency: 1,
          handler: (message) => void seen.push(`${message.payload}${message.attempt}`),
        }).run();

        expect(seen).toEqual(["a2", "b2", "c2", "new1"]);
        expect(report).toMatchObject({ recovered: 3, acked: 4, stopped: "empty" });
        expect(await door.everything()).toEqual({});
      });

      it("keeps the order of more than one request recovers", async () => {
        const payloads = Array.from({ length: 30 }, (_, batch) =>
          Array.from({ length: 90 }, (_, at) => `${batch}.${at}`),
        );
        for (const [batch, messages] of payloads.entries()) {
          await door.redis.lpush(`{${list}}:working:dead.${batch}`, ...messages);
          await door.redis.zadd(`{${list}}:leases`, batch + 1, `dead.${batch}`);
        }
        const { seen, handler } = recording();

        const report = await make({ handler, concurrency: 1 }).run();

        expect(seen).toEqual(payloads.flat());
        expect(report).toMatchObject({ recovered: 2_700, acked: 2_700, stopped: "empty" });
        expect(await door.everything()).toEqual({});
      });

      it("recovers by hand, and finds nothing the second time", async () => {
        await door.redis.lpush(`{${list}}:working:dead.1`, "a", "b");
        await door.redis.zadd(`{${list}}:leases`, 1_000, "dead.1");

        expect(await make().recover()).toEqual({ recovered: 2, adopted: 0 });
        expect(await make().recover()).toEqual({ recovered: 0, adopted: 0 });
        expect(await door.waiting(list)).toEqual(["a", "b"]);
      });

      it("drops a lease that has no working list", async () => {
        await door.redis.zadd(`{${list}}:leases`, 1_000, "dead.1");

        expect(await make().run()).toMatchObject({ recovered: 0, stopped: "empty" });
        expect(await door.everything()).toEqual({});
      });

      it("answers `busy` while another drain is live, and claims as soon as its lease has ended", async () => {
        await produce("a", "b");
        let inside: unknown;

        await make({
          batchSize: 1,
          concurrency: 1,
          handler: async () => {
            inside ??= await make().run();
          },
        }).run();
        expect(inside).toMatchObject({ claimed: 0, stopped: "busy" });

        await produce("c");
        await door.redis.lpush(`{${list}}:working:other.1`, "held");
        await door.redis.zadd(`{${list}}:leases`, Date.now() + 600_000, "other.1");
        expect(await make().run()).toMatchObject({ claimed: 0, stopped: "busy" });
        await door.expireLeases(list);
        expect(await make().run()).toMatchObject({ acked: 2, recovered: 1 });
      });

      it("tells a tick that finds a live chain so in one request, and is open again when the chain ends", async () => {
        const chain = { name: "test", invoke: async () => null };
        await produce("a", "b", "c", "d");
        const inside: DrainReport[] = [];
        const report = await make({
          batchSize: 1,
          concurrency: 1,
          continuation: chain,
          handler: async () => void inside.push(await make({ continuation: chain }).run()),
        }).run();

        expect(report).toMatchObject({ acked: 4, stopped: "empty" });
        expect(inside).toHaveLength(4);
        for (const tick of inside) {
          expect(tick).toMatchObject({ claimed: 0, stopped: "busy", requests: 1, commands: 1 });
        }
        expect(await door.everything()).toEqual({});
        await produce("e");
        expect(await make({ continuation: chain }).run()).toMatchObject({ acked: 1 });
        expect(await make({ continuation: chain }).run()).toMatchObject({
          stopped: "empty",
          requests: 1,
          commands: 1,
        });
      });

      it("tells a tick no longer that the chain is live when its last lease has ended, whoever died", async () => {
        const chain = { name: "test", invoke: async () => null };
        const base = `{${list}}`;
        await produce("a");
        let whileLive: Record<string, unknown> = {};
        let busyMs = 0;
        let leaseEnd = 0;
        await make({
          continuation: chain,
          handler: async () => {
            whileLive = await door.everything();
            const [now, left] = [await door.redis.time(), await door.redis.pttl(`${base}:busy`)];
            busyMs = Number(now[0]) * 1_000 + Math.floor(Number(now[1]) / 1_000) + left;
            const [, end] = (await door.redis.call(
              "ZRANGE",
              `${base}:leases`,
              0,
              -1,
              "WITHSCORES",
            )) as string[];
            leaseEnd = Number(end);
          },
        }).run();

        expect(Object.keys(whileLive)).toContain(`${base}:busy`);
        expect(busyMs).toBeLessThanOrEqual(leaseEnd + 2);
        expect(busyMs).toBeGreaterThan(leaseEnd - 1_000);
      });

      it("counts maxConcurrency before it tells ticks to stay away", async () => {
        const chain = { name: "test", invoke: async () => null };
        await produce("a", "b", "c");
        const inside: unknown[] = [];
        const more = (depth: number): Drain =>
          make({
            batchSize: 1,
            maxConcurrency: 2,
            prefetch: 0,
            continuation: chain,
            handler: async () => {
              if (inside.length < 2) inside.push(await more(depth + 1).run({ maxMessages: 1 }));
            },
          });
        await more(0).run({ maxMessages: 1 });

        expect(inside).toMatchObject([
          { claimed: 0, stopped: "busy", requests: 1 },
          { claimed: 1, acked: 1, stopped: "limit" },
        ]);
      });

      it("lets as many drains live as maxConcurrency says, however many batches each holds", async () => {
        await produce("c");
        await door.redis.zadd(
          `{${list}}:leases`,
          Date.now() + 600_000,
          "one.1",
          Date.now() + 600_000,
          "one.2",
        );

        expect(await make({ maxConcurrency: 1 }).run()).toMatchObject({ stopped: "busy" });
        expect(await make({ maxConcurrency: 2 }).run()).toMatchObject({ acked: 1 });
      });

      it("bounds a claim by bytes, and always claims at least one message", async () => {
        const big = "x".repeat(400);
        await produce("a", big, "b", big, "c");
        const batches: number[] = [];

        const report = await make({
          maxBatchBytes: 300,
          batchHandler: (messages) => void batches.push(messages.length),
        }).run();

        expect(report.acked).toBe(5);
        expect(batches).toEqual([1, 1, 1, 1, 1]);
        expect(await door.everything()).toEqual({});
      });

      it("keeps the order of what bytes cut off", async () => {
        const payloads = Array.from({ length: 20 }, (_, at) => `${at}`.padEnd(10, "."));
        await produce(...payloads);
        const { seen, handler } = recording();

        await make({ handler, maxBatchBytes: 55, concurrency: 1 }).run();

        expect(seen).toEqual(payloads);
      });

      it("promotes delayed messages that are due, in due order, and says when the next one is", async () => {
        const due = Date.now() + 600_000;
        await door.redis.zadd(
          `{${list}}:delayed`,
          2_000,
          "y:second",
          1_000,
          "x:first:with:colons",
          due,
          "z:later",
        );
        const { seen, handler } = recording();

        const report = await make({ handler, concurrency: 1 }).run();

        expect(seen).toEqual(["first:with:colons", "second"]);
        expect(report).toMatchObject({ acked: 2, nextDueAt: due, stopped: "empty" });
        expect(await door.everything()).toEqual({ [`{${list}}:delayed`]: ["z:later", String(due)] });
      });

      it("reports the acknowledged although the next claim then fails", async () => {
        await produce("a");

        const report = await make({
          handler: async () => {
            await door.redis.set(list, "a string");
          },
        }).run();

        expect(report).toMatchObject({ acked: 1, stopped: "error" });
        expect(await door.everything()).toEqual({ [list]: "a string" });
      });

      it("costs six commands of a script a batch, whatever the batch holds", async () => {
        await produce(...Array.from({ length: 1_000 }, (_, at) => `m${at}`));
        await make().run({ maxMessages: 1 });
        await door.resetCommandCount();

        const report = await make({ batchSize: 100 }).run();

        expect(report.commands).toBe(await door.commandCount());
        expect(report.commands).toBeLessThanOrEqual(7 * 10 + 12);
      });
    }

    function plainPromises(): void {
      it("drains beside BroadwayRedis from the same list through the same working list", async () => {
        await produce("a", "b", "c");
        await door.redis.rpoplpush(list, "mail:working");
        const { seen, handler } = recording();

        await make({ handler, workingList: "mail:working", concurrency: 1 }).run();

        expect(seen).toEqual(["b", "c"]);
        expect(await door.redis.lrange("mail:working", 0, -1)).toEqual(["a"]);
        expect(await door.redis.lrem("mail:working", 1, "a")).toBe(1);
      });

      it("returns what has been seen in the working list for longer than visibilityTimeoutMs, whoever left it", async () => {
        const working = `{${list}}:working`;
        await door.redis.lpush(working, "old1", "old2");
        const { seen, handler } = recording();
        const drain = make({ handler, concurrency: 1, visibilityTimeoutMs: 60_000 });

        expect(await drain.run()).toMatchObject({ recovered: 0, acked: 0 });
        for (const digest of Object.keys(await door.redis.hgetall(`{${list}}:seen`))) {
          await door.redis.hset(`{${list}}:seen`, digest, Date.now() - 61_000);
        }
        await door.redis.lpush(working, "young");

        expect(await drain.run()).toMatchObject({ recovered: 2, acked: 2 });
        expect(seen).toEqual(["old1", "old2"]);
        expect(await door.redis.lrange(working, 0, -1)).toEqual(["young"]);
      });

      it("buries as crashed what has been stuck maxAttempts times, payload to the byte", async () => {
        const working = `{${list}}:working`;
        const payload = Buffer.from([0x61, 0xff, 0x0a]);
        const drain = make({ maxAttempts: 2, visibilityTimeoutMs: 60_000 });
        for (let crash = 0; crash < 2; crash++) {
          if (crash === 0) await door.redis.lpush(working, payload);
          else await door.redis.rpoplpush(list, working);
          await drain.recover();
          for (const digest of await door.redis.hkeys(`{${list}}:seen`))
            await door.redis.hset(`{${list}}:seen`, digest, 1);
          await drain.recover();
        }

        const [letter, ...others] = await drain.deadLetters.list();
        expect(letter).toMatchObject({ reason: "crashed", attempts: 2 });
        expect(Buffer.from(letter?.bytes ?? [])).toEqual(payload);
        expect(others).toEqual([]);
        expect(Object.keys(await door.everything())).toEqual([`{${list}}:dead`]);
      });

      it("counts a message that someone else took from the working list as lost, not as acknowledged", async () => {
        await produce("a", "b");

        const report = await make({
          handler: async (message) => {
            if (message.payload === "b") await door.redis.lrem(`{${list}}:working`, 1, "b");
          },
        }).run();

        expect(report).toMatchObject({ acked: 1, lostLease: 1 });
      });

      it("sends no request twice that is not safe to repeat", async () => {
        await produce("a", "b");
        const faulty = faultyClient(client, (_, commands) =>
          commands.some(([name]) => name === "RPOPLPUSH") ? "lose-reply" : "none",
        );

        const report = await make({ redis: faulty }).run();

        expect(report).toMatchObject({ stopped: "error", claimed: 0 });
        expect(
          faulty.sent.filter((commands) => commands.some(([name]) => name === "RPOPLPUSH")),
        ).toHaveLength(1);
        expect((await door.redis.lrange(`{${list}}:working`, 0, -1)).reverse()).toEqual(["a", "b"]);
      });
    }
  });
}
