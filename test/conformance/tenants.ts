import { describe, expect, it } from "vitest";
import {
  createSpillway,
  deadLetter,
  type Handler,
  type NextDrain,
  OptionError,
  RedisTransportError,
  type SpillwayOptions,
} from "../../src/index.ts";
import { mortalClient } from "../support/mortal-client.ts";
import type { Suite } from "./setup.ts";

const register = "{tenant:*}:lists";

/** Lists that come and go, by a pattern of their names. */
export const tenantsSuite: Suite = ({ engine, client, door, faulty }) => {
  describe("lists of a pattern", () => {
    const make = (handler: Handler<unknown>, more: Partial<SpillwayOptions> = {}) =>
      createSpillway({
        redis: client(),
        lists: { "tenant:*": { engine, handler, prefetch: 0, batchSize: 2 }, mail: { engine, handler } },
        ...more,
      });
    const recorded = () => {
      const seen: string[] = [];
      const handler: Handler<unknown> = ({ list, payload }) => void seen.push(`${list} ${payload}`);
      return { seen, handler };
    };
    /** As a producer in any language does. */
    const produce = async (list: string, ...payloads: string[]): Promise<void> => {
      await door.redis.lpush(list, ...payloads);
      await door.redis.hset(register, list, "");
    };

    it("are drained by their names in the register, each with a report of its own, and leave nothing", async () => {
      const { seen, handler } = recorded();
      const spillway = make(handler);
      await produce("tenant:1", "a", "b", "c");
      await spillway.push("tenant:2", "d");
      await door.redis.lpush("mail", "e");
      const report = await spillway.run();
      expect(report).toMatchObject({ stopped: "empty", acked: 5, remaining: 0, error: null });
      expect(report.lists).toMatchObject({
        "tenant:1": { acked: 3 },
        "tenant:2": { acked: 1 },
        mail: { acked: 1 },
      });
      expect(seen.sort()).toEqual(["mail e", "tenant:1 a", "tenant:1 b", "tenant:1 c", "tenant:2 d"]);
      expect(await door.everything()).toEqual({});
    });

    it("cost an idle tick nothing, once they are empty", async () => {
      const redis = faulty(() => "none");
      const spillway = make(recorded().handler, { redis });
      expect(await spillway.run()).toMatchObject({ requests: 1, commands: 1, stopped: "empty" });
      await produce("tenant:1", "a");
      await spillway.run();
      const sent = redis.sent.length;
      expect(await spillway.run()).toMatchObject({ requests: 1, commands: 1 });
      expect(redis.sent.length).toBe(sent + 1);
    });

    it("stay known while what failed waits for its time, and while they are paused", async () => {
      let fails = true;
      const spillway = make(() => {
        if (fails) throw new Error("Not yet.");
      });
      await produce("tenant:1", "a");
      await spillway.run();
      expect(await door.redis.hkeys(register)).toEqual(["tenant:1"]);
      fails = false;
      await door.makeDue("tenant:1");
      expect(await spillway.run()).toMatchObject({ acked: 1 });
      await door.redis.hset("{tenant:2}:control", "paused", "1");
      await produce("tenant:2", "b");
      await spillway.run();
      expect(await door.redis.hkeys(register)).toEqual(["tenant:2"]);
    });

    it("hold up no other list, and take nothing out of the report, where their register holds another type", async () => {
      const spillway = make(async () => void (await door.redis.set(register, "no register")));
      await door.redis.lpush("mail", "a");
      const first = await spillway.run();
      await door.redis.lpush("mail", "b");
      const second = await spillway.run();
      for (const report of [first, second]) {
        expect(report).toMatchObject({ acked: 1, stopped: "error", remaining: null });
        expect(report.lists).toMatchObject({ mail: { acked: 1, error: null } });
        expect(report.error?.message).toMatch(/WRONGTYPE.*\{tenant:\*\}:lists/);
      }
    });

    it("take nothing out of the report where a later look is lost", async () => {
      let looks = 0;
      const redis = faulty((_, [command]) =>
        command?.[0] === "HRANDFIELD" && ++looks > 1 ? "lose-request" : "none",
      );
      const spillway = make(() => produce("tenant:2", "b").then(() => undefined), { redis });
      await produce("tenant:1", "a");
      const report = await spillway.run({ budgetMs: 300 });
      expect(report).toMatchObject({ acked: 1, stopped: "error", remaining: null });
      expect(report.lists).toMatchObject({ "tenant:1": { acked: 1 } });
      expect(report.error).toBeInstanceOf(RedisTransportError);
    });

    it("stay in the stats while they have dead letters, though no run looks at them", async () => {
      const redis = faulty(() => "none");
      const spillway = make(() => deadLetter("no"), { redis });
      await produce("tenant:1", "a", "b");
      await produce("tenant:2", "c");
      await spillway.run();
      expect(await door.redis.hkeys(register)).toEqual([]);
      expect(await spillway.run()).toMatchObject({ requests: 1, commands: 1 });
      const { dead, lists, leftOut } = await spillway.stats();
      expect({ dead, leftOut }).toEqual({ dead: 3, leftOut: 0 });
      expect(lists).toMatchObject({ "tenant:1": { dead: 2 }, "tenant:2": { dead: 1 } });

      await spillway.drainOf("tenant:1").deadLetters.purge();
      await spillway.stats();
      expect(Object.keys((await spillway.stats()).lists).sort()).toEqual(["mail", "tenant:2"]);

      // Redriven, it has work: no name is lost, and it comes back when it fails again.
      await spillway.drainOf("tenant:2").deadLetters.redrive();
      expect((await spillway.stats()).lists).toMatchObject({ "tenant:2": { list: 1, dead: 0 } });
      await spillway.run();
      expect((await spillway.stats()).lists).toMatchObject({ "tenant:2": { list: 0, dead: 1 } });
      await spillway.drainOf("tenant:2").deadLetters.purge();
      await spillway.stats();
      expect(await door.everything()).toEqual({});
    });

    it("are known from the first chunk of a stream that is pushed to one, and a drain is started for it", async () => {
      let starts = 0;
      const invoke = async (): Promise<null> => {
        starts += 1;
        return null;
      };
      const continuation = { name: "test", invoke };
      const spillway = make(recorded().handler, { continuation });
      async function* stream(): AsyncGenerator<string> {
        for (let at = 0; at < 1_001; at++) yield `m${at}`;
        // The first chunk has landed.
        expect(await door.redis.hkeys(register)).toEqual(["tenant:1"]);
        expect(starts).toBe(1);
        expect(await make(recorded().handler).run()).toMatchObject({ acked: 1_000 });
        throw new Error("the source is gone");
      }
      const pushing = spillway.push("tenant:1", stream());
      await expect(pushing).rejects.toMatchObject({ pushedCount: 1_000 });
    });

    it("of hundreds of names, most of them empty, are all reached and forgotten", async () => {
      const { seen, handler } = recorded();
      const names = Array.from({ length: 300 }, (_, at) => `tenant:${at}`);
      await door.redis.hset(register, Object.fromEntries(names.map((name) => [name, ""])));
      await produce("tenant:299", "a");
      const spillway = make(handler);
      for (let run = 0; seen.length === 0 && run < 50; run++) await spillway.run();
      expect(seen).toEqual(["tenant:299 a"]);
    });

    it("keep a name whose list a producer pushes to while a run takes it out", async () => {
      // The producer comes before the first request, then before the second, and so on.
      for (let at = 0; at < 12; at++) {
        await door.redis.flushall();
        const { seen, handler } = recorded();
        await door.redis.hset(register, "tenant:1", "");
        const inner = client();
        let index = 0;
        const produceOnce = async (): Promise<void> => {
          if (index++ === at) await produce("tenant:1", "late");
        };
        const redis = {
          ...inner,
          name: "with a producer",
          command: async (...given: Parameters<typeof inner.command>) => {
            await produceOnce();
            return inner.command(...given);
          },
          pipeline: async (...given: Parameters<typeof inner.pipeline>) => {
            await produceOnce();
            return inner.pipeline(...given);
          },
          close: async () => undefined,
        };
        await make(handler, { redis }).run();
        await produce("mail", "m");
        await make(handler).run();
        expect([at, seen.filter((one) => one.endsWith("late")).length]).toEqual([at, index > at ? 1 : 0]);
      }
    });

    it("lose no name where the process dies, whatever the request", async () => {
      let isOver = false;
      for (let dies = 0; !isOver; dies++) {
        await door.redis.flushall();
        const { seen, handler } = recorded();
        await produce("tenant:1", "a");
        await door.redis.hset(register, "tenant:2", "");
        const redis = mortalClient(client(), (index) => index === dies);
        isOver = (await Promise.race([make(handler, { redis }).run(), redis.death])) !== "died";
        await redis.arrived();
        await produce("tenant:2", "b");
        await door.expireLeases("tenant:1");
        await make(handler).run();
        expect([dies, new Set(seen).size]).toEqual([dies, 2]);
      }
    });

    it("are woken with the whole, after the name is written", async () => {
      const hops: NextDrain[] = [];
      const known: string[][] = [];
      const invoke = async (next: NextDrain) => {
        known.push(await door.redis.hkeys(register));
        hops.push(next);
        return null;
      };
      const spillway = make(recorded().handler, { continuation: { name: "test", invoke } });
      expect(await spillway.push("tenant:7", ["a", "b"])).toMatchObject({ pushed: 2, woken: true });
      expect(hops).toMatchObject([{ list: "spillway", chain: { hop: 1 } }]);
      expect(known).toEqual([["tenant:7"]]);
      expect(await spillway.push("tenant:7", "c")).toMatchObject({ woken: false });
      expect(await spillway.push("tenant:8", "c", { wake: false })).toMatchObject({ woken: false });
      expect(await spillway.stats()).toMatchObject({ list: 4, lists: { "tenant:7": { list: 3 } } });
      expect(await spillway.waitForMessage({ timeoutMs: 1 })).toBe(true);
      await spillway.run();
      expect(await spillway.waitForMessage({ timeoutMs: 1 })).toBe(false);
    });

    it("are operated one by one, and what is put back there is found", async () => {
      const { seen, handler } = recorded();
      let fails = true;
      const spillway = make((message) => {
        if (fails) return deadLetter("no");
        return handler(message);
      });
      await produce("tenant:1", "a", "b");
      await spillway.run();
      expect(await door.redis.exists(register)).toBe(0);

      const drain = spillway.drainOf("tenant:1");
      expect(await drain.deadLetters.list()).toHaveLength(2);
      expect(await drain.deadLetters.redrive({ dryRun: true })).toEqual({ redriven: 2 });
      expect(await door.redis.exists(register)).toBe(0);
      expect(await drain.deadLetters.redrive({ max: 1 })).toEqual({ redriven: 1 });
      await drain.push("c");
      expect(await drain.peek()).toMatchObject([{ payload: "a" }, { payload: "c" }]);
      fails = false;
      await spillway.run();
      expect(seen).toEqual(["tenant:1 a", "tenant:1 c"]);

      expect(spillway.drainOf("mail")).toBe(spillway.lists.mail);
      for (const none of ["letters", "tenant:*", "", null]) {
        expect(() => spillway.drainOf(none as string)).toThrow(OptionError);
      }
    });

    it("whose names fit nothing are not drained, and leave the register", async () => {
      const { seen, handler } = recorded();
      await door.redis.hset(register, { "": "", x: "", "tenant:{1}": "", "tenant:*": "", "tenant:1": "" });
      await door.redis.lpush("tenant:1", "a");
      await make(handler).run();
      expect(seen).toEqual(["tenant:1 a"]);
      expect(await door.redis.exists(register)).toBe(0);
    });
  });
};
