import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import {
  createDrain,
  type DeadLetter,
  type Drain,
  type DrainOptions,
  type DrainReport,
  deadLetter,
  type EveryDrainOption,
  idempotent,
  type Message,
  OptionError,
  Overloaded,
  type RedisClient,
} from "../../src/index.ts";
import { faultyClient } from "../support/faulty-client.ts";
import { SideDoor } from "../support/side-door.ts";
import type { EngineUnderTest } from "./engine.ts";

const list = "mail";

/** What the scripted engine does about crashes and outages, over every client. */
export function recoveryConformance(name: string, under: EngineUnderTest): void {
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

    const make = (options: Partial<EveryDrainOption<unknown>> = {}): Drain =>
      createDrain({
        redis: client,
        list,
        // A batch at a time, so that a test can say which messages are where; the others claim ahead.
        prefetch: 0,
        concurrency: 1,
        // The longest of the random delays: nothing is due again while its own run goes on.
        random: () => 1,
        ...(options.batchHandler ? {} : { handler: () => undefined }),
        ...options,
      } as DrainOptions);

    const produce = (...payloads: string[]): Promise<number> => door.redis.lpush(list, ...payloads);

    /** Runs a drain whose process dies at once when its handler meets `poison`. Returns the report of one that lived. */
    const runMortal = async (
      poison: (message: Message) => boolean,
      options: Partial<EveryDrainOption<unknown>> = {},
    ): Promise<DrainReport | "died"> => {
      let die: () => void = () => undefined;
      const death = new Promise<"died">((resolve) => {
        die = () => resolve("died");
      });
      let isDead = false;
      const never = new Promise<never>(() => undefined);
      const underWay: Promise<unknown>[] = [];
      const send = <Reply>(request: () => Promise<Reply>): Promise<Reply> => {
        if (isDead) return never;
        const reply = request();
        underWay.push(reply.catch(() => undefined));
        return reply;
      };
      const redis: RedisClient = {
        ...client,
        name: "mortal",
        command: (...args) => send(() => client.command(...args)),
        pipeline: (...args) => send(() => client.pipeline(...args)),
        close: async () => undefined,
      };
      const drain = make({
        redis,
        ...options,
        handler: async (message) => {
          if (isDead) return never;
          if (poison(message)) {
            isDead = true;
            die();
            return never;
          }
          return options.handler?.(message);
        },
      });
      const outcome = await Promise.race([drain.run(), death]);
      // What it had sent still arrives.
      await Promise.all(underWay);
      if (outcome === "died") await door.expireLeases(list);
      return outcome;
    };

    describe("a poison message that kills its process", () => {
      it.each([
        [30, 100, 5],
        [1, 100, 5],
        [30, 10, 3],
        [12, 5, 2],
      ])(
        "(with %i messages, batches of %i and %i attempts) ends in the dead letters as crashed after maxAttempts deliveries, and takes no neighbour with it",
        async (count, batchSize, maxAttempts) => {
          await produce(...Array.from({ length: count }, (_, at) => `m${at}`));
          const poisonPayload = `m${Math.floor(count / 2)}`;
          let deliveries = 0;
          const handled = new Map<string, number>();
          const told: DeadLetter[] = [];

          let runs = 0;
          for (let outcome: DrainReport | "died" = "died"; outcome === "died"; runs++) {
            expect(runs).toBeLessThan(20);
            outcome = await runMortal(
              (message) => {
                if (message.payload !== poisonPayload) return false;
                deliveries += 1;
                return true;
              },
              {
                batchSize,
                maxAttempts,
                onDeadLetter: (letter) => void told.push(letter),
                handler: (message) =>
                  void handled.set(message.payload, (handled.get(message.payload) ?? 0) + 1),
              },
            );
          }

          expect(deliveries).toBe(maxAttempts);
          expect(handled.size).toBe(count - 1);
          const letters = await make().deadLetters.list();
          expect(letters).toMatchObject([
            { payload: poisonPayload, reason: "crashed", attempts: maxAttempts },
          ]);
          expect(told).toMatchObject([{ payload: poisonPayload, reason: "crashed" }]);
          expect(Object.keys(await door.everything())).toEqual([`{${list}}:dead`]);
        },
      );

      it("has its company shrink from crash to crash, until it is alone", async () => {
        await produce(...Array.from({ length: 300 }, (_, at) => `m${at}`));
        const batches: number[] = [];
        for (let crash = 0; crash < 4; crash++) {
          await runMortal(() => true, { maxAttempts: 6 });
          batches.push(0);
          for (const key of await door.redis.keys(`{${list}}:working:*`)) {
            batches[crash] = (batches[crash] ?? 0) + (await door.redis.llen(key));
          }
        }
        expect(batches).toEqual([100, 10, 1, 1]);
      });

      it("is never claimed ahead of, or beside, messages that have crashed nothing", async () => {
        await produce("poison", ...Array.from({ length: 40 }, (_, at) => `m${at}`));
        await runMortal(({ payload }) => payload === "poison", { batchSize: 20, prefetch: 1 });
        const inHand: number[] = [];

        await make({
          prefetch: 1,
          batchSize: 20,
          handler: async ({ attempt }) => {
            if (attempt > 1) inHand.push((await door.redis.keys(`{${list}}:working:*`)).length);
          },
        }).run();

        expect(new Set(inHand)).toEqual(new Set([1]));
        expect(await door.everything()).toEqual({});
      });
    });

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
        expect((await drain.deadLetters.list()).map((letter) => letter.attempts)).toEqual([3, 3]);
      });
    });

    describe("the brake", () => {
      const outage = { isOn: true };
      const seen: Message[] = [];
      const drainInOutage = (options: Partial<EveryDrainOption<unknown>> = {}): Drain =>
        make({
          batchSize: 20,
          brake: { after: 10 },
          handler: (message) => {
            seen.push(message);
            if (outage.isOn) throw new Error("down");
          },
          ...options,
        });
      const payloads = Array.from({ length: 50 }, (_, at) => `m${at}`);

      afterEach(() => {
        outage.isOn = true;
        seen.length = 0;
      });

      it("gives systemic failures back in their order, uncounted, and stops every drain", async () => {
        await produce(...payloads);

        const report = await drainInOutage().run();

        expect(report).toMatchObject({ claimed: 20, released: 20, retried: 0, stopped: "braked" });
        expect(report.nextDueAt).toBeGreaterThan(Date.now() - 60_000);
        expect(await door.waiting(list)).toEqual(payloads);
        expect(await drainInOutage().run()).toMatchObject({ claimed: 0, stopped: "braked" });
        expect(seen).toHaveLength(20);
      });

      it("lets one message through after each pause, which doubles, and counts what fails then", async () => {
        await produce(...payloads);
        await drainInOutage().run();
        const pauses: number[] = [];

        for (let probe = 0; probe < 4; probe++) {
          await door.endPause(list);
          const report = await drainInOutage().run();
          expect(report).toMatchObject({ claimed: 1, retried: 1, stopped: "braked" });
          pauses.push(Math.round(((report.nextDueAt ?? 0) - Date.now()) / 1_000));
        }

        expect(seen.slice(20).map((message) => message.payload)).toEqual(["m0", "m1", "m2", "m3"]);
        for (const [at, pause] of pauses.entries())
          expect(Math.abs(pause - 2 ** (at + 1))).toBeLessThanOrEqual(1);
      });

      it("is lifted by one success, and then all goes on, no attempt having been counted", async () => {
        await produce(...payloads);
        await drainInOutage().run();
        outage.isOn = false;
        seen.length = 0;
        await door.endPause(list);

        expect(await drainInOutage().run()).toMatchObject({ acked: 50, stopped: "empty" });

        expect(seen.map((message) => `${message.payload}${message.attempt}`)).toEqual(
          payloads.map((one) => `${one}1`),
        );
        expect(await door.everything()).toEqual({});
      });

      it("counts failures of different messages in a row over batches and drains, not one message failing often", async () => {
        await produce("a");
        const drain = drainInOutage({ batchSize: 1, maxAttempts: 100, retryDelay: () => 0 });
        for (let run = 0; run < 12; run++) {
          expect(await drain.run({ maxMessages: 1 })).toMatchObject({ retried: 1, stopped: "limit" });
          await door.makeDue(list);
        }

        await produce(...payloads);
        const reports = [];
        for (let run = 0; run < 10; run++)
          reports.push(await drainInOutage({ batchSize: 1, maxAttempts: 100 }).run({ maxMessages: 1 }));
        expect(reports.at(-1)).toMatchObject({ released: 1 });
        expect(reports.slice(0, -1).every((report) => report.retried === 1)).toBe(true);
      });

      it("leaves failures alone that come between successes", async () => {
        await produce(...payloads);
        let count = 0;
        const report = await make({
          handler: () => {
            count += 1;
            if (count % 2) throw new Error("no");
          },
        }).run();
        expect(report).toMatchObject({ acked: 25, retried: 25, released: 0, stopped: "empty" });
      });

      it("can be left out", async () => {
        await produce(...payloads);
        expect(await drainInOutage({ brake: false, retryDelay: () => 60_000 }).run()).toMatchObject({
          retried: 50,
          stopped: "empty",
        });
      });

      it("is pulled by Overloaded until the moment it says, uncounted", async () => {
        await produce("a", "b", "c");
        const untilMs = Date.now() + 500_000;
        const attempts: number[] = [];
        let isOver = true;
        const drain = make({
          handler: (message) => {
            attempts.push(message.attempt);
            if (isOver && message.payload === "b") throw new Overloaded({ untilMs });
          },
        });

        const report = await drain.run();

        expect(report).toMatchObject({ acked: 2, released: 1, stopped: "braked" });
        expect(Math.abs((report.nextDueAt ?? 0) - untilMs)).toBeLessThan(60_000);
        expect(await door.waiting(list)).toEqual(["b"]);
        isOver = false;
        await door.endPause(list);
        expect(await drain.run()).toMatchObject({ acked: 1, stopped: "empty" });
        expect(attempts).toEqual([1, 1, 1, 1]);
        expect(await door.everything()).toEqual({});
      });

      it("keeps no message alive: a list of nothing but failing ones ends in the dead letters", async () => {
        await produce(...Array.from({ length: 30 }, (_, at) => `m${at}`));
        const drain = drainInOutage({
          brake: { after: 5, pauseMs: 1, maxPauseMs: 1, maxMs: 50 },
          retryDelay: () => 0,
        });

        let runs = 0;
        while ((await door.redis.llen(`{${list}}:dead`)) < 30) {
          await drain.run();
          runs += 1;
          expect(runs).toBeLessThan(2_000);
        }

        const letters = await drain.deadLetters.list();
        expect(letters.every((letter) => letter.attempts === 5 && letter.reason === "exhausted")).toBe(true);
        await drain.run();
        expect(Object.keys(await door.everything()).filter((key) => key !== `{${list}}:brake`)).toEqual([
          `{${list}}:dead`,
        ]);
      });

      it("keeps no message alive that is always Overloaded while others succeed", async () => {
        await produce("over", ...payloads);
        const drain = make({
          maxAttempts: 2,
          brake: { after: 5, pauseMs: 1, maxPauseMs: 1, maxMs: 20 },
          retryDelay: () => 0,
          handler: (message) => {
            if (message.payload === "over") throw new Overloaded();
          },
        });

        for (let runs = 0; (await door.redis.llen(`{${list}}:dead`)) < 1; runs++) {
          await produce(`other${runs}`);
          await drain.run();
          expect(runs).toBeLessThan(2_000);
        }

        expect(await drain.deadLetters.list()).toMatchObject([
          { payload: "over", reason: "exhausted", attempts: 2 },
        ]);
      });
    });

    describe("a lease", () => {
      it("is no longer than the handlers of its batch may take, and what settling needs", async () => {
        await produce(...Array.from({ length: 40 }, (_, at) => `m${at}`));
        const ends: number[] = [];
        await make({
          concurrency: 10,
          batchSize: 40,
          handlerTimeoutMs: 3_000,
          handler: async () => {
            const [, endsAt] = await door.redis.zrange(`{${list}}:leases`, 0, "-1", "WITHSCORES");
            ends.push(Number(endsAt) - Date.now());
          },
        }).run({ budgetMs: 900_000 });
        // Four rounds of 3 s, a third of that for the reserve, and the margin of 5 s.
        for (const leftMs of ends) expect(Math.abs(leftMs - 21_000)).toBeLessThan(5_000);
        expect(ends).toHaveLength(40);
      });
    });

    describe("dead letters", () => {
      it("older than maxAgeMs are deleted when another comes", async () => {
        await produce("old", "young");
        const drain = make({
          batchSize: 1,
          deadLetters: { maxAgeMs: 600_000 },
          handler: async (message) => {
            if (message.payload === "young") {
              const [entry = ""] = await door.redis.lrange(`{${list}}:dead`, 0, -1);
              await door.redis.lset(
                `{${list}}:dead`,
                0,
                entry.replace(/"lastFailedAt":\d+/, '"lastFailedAt":1000'),
              );
            }
            return deadLetter("no");
          },
        });
        expect(await drain.run()).toMatchObject({ deadLettered: 2 });
        expect((await drain.deadLetters.list()).map(({ payload }) => payload)).toEqual(["young"]);
      });

      it("are redriven and purged once, whichever reply is lost", async () => {
        for (let failing = 0; failing < 8; failing++) {
          await door.redis.flushall();
          await produce(...Array.from({ length: 150 }, (_, at) => `m${at}`));
          await make({ handler: () => deadLetter("no") }).run();
          const redis = faultyClient(client, (index) => (index === failing ? "lose-reply" : "none"));

          expect(await make({ redis }).deadLetters.redrive({ max: 120 })).toEqual({ redriven: 120 });

          expect(await door.waiting(list)).toEqual(Array.from({ length: 120 }, (_, at) => `m${at}`));
          expect(await make({ redis }).deadLetters.purge()).toEqual({ purged: 30 });
        }
      });
    });

    describe("an idempotent handler", () => {
      it("does not run a message again that it had finished when its drain died", async () => {
        await produce("a", "b", "same", "same", "c");
        const ran: string[] = [];
        const handler = idempotent((message) => void ran.push(message.payload), { ttlMs: 600_000 });

        const died = await runMortal((message) => message.payload === "c", { handler });
        expect(died).toBe("died");
        expect(ran).toEqual(["a", "b", "same", "same"]);

        expect(await make({ handler }).run()).toMatchObject({ recovered: 1, acked: 1, stopped: "empty" });
        expect(ran).toEqual(["a", "b", "same", "same", "c"]);
        expect(await door.everything()).toEqual({});
      });

      it("runs equal payloads as often as they were pushed", async () => {
        const ran: string[] = [];
        const handler = idempotent((message) => void ran.push(message.payload), { ttlMs: 600_000 });
        for (let push = 0; push < 3; push++) {
          await produce("same");
          await make({ handler }).run();
        }
        expect(ran).toEqual(["same", "same", "same"]);
      });

      it("marks nothing that failed, and still acknowledges where the marker cannot be written", async () => {
        await produce("bad", "good");
        const handler = idempotent((message) => (message.payload === "bad" ? deadLetter("no") : undefined), {
          ttlMs: 600_000,
        });
        const redis = faultyClient(client, (_, commands) =>
          commands.some(([command]) => command === "HSET") ? "lose-request" : "none",
        );

        expect(await make({ redis, handler }).run()).toMatchObject({
          acked: 1,
          deadLettered: 1,
          error: null,
        });
        expect(Object.keys(await door.everything())).toEqual([`{${list}}:dead`]);
      });

      it("is refused where its promise cannot be kept", () => {
        const handler = idempotent(() => undefined, { ttlMs: 1_000 });
        expect(() => make({ engine: "plain", handler })).toThrow(OptionError);
        expect(() => idempotent(() => undefined, { ttlMs: 0 })).toThrow(OptionError);
      });
    });

    describe("a working list that has no lease", () => {
      it("is adopted by recover, and its messages return in order once the grace has passed", async () => {
        await produce("new");
        await door.redis.lpush(`{${list}}:working:lost.1`, "a", "b");
        await door.redis.lpush(`{${list}}:working:held.1`, "held");
        await door.redis.zadd(`{${list}}:leases`, Date.now() + 600_000, "held.1");
        await door.redis.lpush("{other}:working:x.1", "not ours");
        await door.redis.set(`{${list}}:working:text`, "no list");

        expect(await make().recover()).toEqual({ recovered: 0, adopted: 1 });
        expect(await make().recover()).toEqual({ recovered: 0, adopted: 0 });
        const graceEndsAt = Number(await door.redis.zscore(`{${list}}:leases`, "lost.1"));
        expect(graceEndsAt).toBeGreaterThan(Date.now() + 30_000);

        await door.redis.zadd(`{${list}}:leases`, 1, "lost.1");
        expect(await make().recover()).toEqual({ recovered: 2, adopted: 0 });
        expect(await door.waiting(list)).toEqual(["a", "b", "new"]);
      });

      it("is found among many other keys, a bounded step at a time", async () => {
        const others = Array.from({ length: 5_000 }, (_, at) => [`other:${at}`, "1"]).flat();
        await door.redis.mset(...others);
        await door.redis.lpush(`{${list}}:working:lost.1`, "a");
        await door.resetCommandCount();

        expect(await make().recover()).toMatchObject({ adopted: 1 });
        expect(await door.commandCount()).toBeGreaterThan(8);
      });

      it("is found whatever the list is called", async () => {
        for (const name of ["a*b", "[x]", "q?", "back\\slash"]) {
          await door.redis.lpush(`{${name}}:working:lost.1`, "a");
          expect(await make({ list: name }).recover()).toMatchObject({ adopted: 1 });
        }
      });
    });
  });
}
