import { describe, expect, it } from "vitest";
import { deadLetter, type RedisClient, type RedisCommand, RedisTransportError } from "../../src/index.ts";
import { list, recording, type Setup } from "./setup.ts";

/** Whether a request removes messages of one letter from the working list. */
const removes = (commands: readonly RedisCommand[]): boolean =>
  commands.some(([name, , , payload]) => name === "LREM" && String(payload).length === 1);

/** The plain engine on one shared working list, beside other consumers. */
export function workingListSuite(setup: Setup): void {
  const { door, make, produce } = setup;

  describe("a shared working list", () => {
    it("drains beside BroadwayRedis from the same list through the same working list", async () => {
      await produce("a", "b", "c");
      await door.redis.rpoplpush(list, "{mail}working");
      const { seen, handler } = recording();

      await make({ handler, workingList: "{mail}working" }).run();

      expect(seen).toEqual(["b", "c"]);
      expect(await door.redis.lrange("{mail}working", 0, -1)).toEqual(["a"]);
      expect(await door.redis.lrem("{mail}working", 1, "a")).toBe(1);
    });

    it("returns what has been seen in the working list for longer than visibilityTimeoutMs, whoever left it", async () => {
      const working = `{${list}}:working`;
      await door.redis.lpush(working, "old1", "old2");
      const { seen, handler } = recording();
      const drain = make({ handler, visibilityTimeoutMs: 60_000 });

      expect(await drain.run()).toMatchObject({ recovered: 0, acked: 0 });
      for (const digest of Object.keys(await door.redis.hgetall(`{${list}}:seen`))) {
        await door.redis.hset(`{${list}}:seen`, digest, Date.now() - 61_000);
      }
      await door.redis.lpush(working, "young");

      expect(await drain.run()).toMatchObject({ recovered: 2, acked: 2 });
      expect(seen).toEqual(["old1", "old2"]);
      expect(await door.redis.lrange(working, 0, -1)).toEqual(["young"]);
    });

    it("makes a dead letter, as crashed, of what has been stuck maxAttempts times, payload to the byte", async () => {
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

      const [dead, ...others] = await drain.deadLetters.list();
      expect(dead).toMatchObject({ reason: "crashed", attempts: 2 });
      expect(Buffer.from(dead?.bytes ?? [])).toEqual(payload);
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
      const claims = (commands: readonly RedisCommand[]): boolean =>
        commands.some(([name]) => name === "RPOPLPUSH" || name === "LMOVE");
      const faulty = setup.faulty((_, commands) => (claims(commands) ? "lose-reply" : "none"));

      const report = await make({ redis: faulty }).run();

      expect(report).toMatchObject({ stopped: "error", claimed: 0 });
      expect(faulty.sent.filter(claims)).toHaveLength(1);
      expect((await door.redis.lrange(`{${list}}:working`, 0, -1)).reverse()).toEqual(["a", "b"]);
    });

    it.each(["lose-request", "lose-reply"] as const)(
      "sends no settle a second time, so that no message is copied: %s",
      async (fault) => {
        await produce("a", "b");
        const faulty = setup.faulty((_, commands) => (removes(commands) ? fault : "none"));

        const report = await make({ redis: faulty, handler: () => deadLetter("why") }).run();

        expect(report).toMatchObject({ stopped: "error", unsettled: 2, deadLettered: 0, lostLease: 0 });
        expect(faulty.sent.filter(removes)).toHaveLength(1);
        expect(await door.redis.llen(`{${list}}:dead`)).toBe(2);
      },
    );

    it("settles in halves where a server refuses requests that are too large, and leaves what fits none", async () => {
      const payloads = ["a", "b", "c", "d", "too large by itself"];
      await produce(...payloads);
      const isPush = ([name]: RedisCommand): boolean => name === "LPUSH";
      const fits = (commands: readonly RedisCommand[]): boolean =>
        commands.filter(isPush).length < 2 &&
        !commands.some((one) => isPush(one) && /too large/.test(String(one)));
      const inner = setup.faulty(() => "none");
      const redis: RedisClient = {
        ...inner,
        pipeline: async (commands, options) => {
          if (!fits(commands)) throw new RedisTransportError("413", { isRetryable: false, status: 413 });
          return inner.pipeline(commands, options);
        },
      };

      const report = await make({ redis, handler: () => deadLetter("why") }).run();

      expect(report).toMatchObject({ stopped: "error", deadLettered: 4, unsettled: 1 });
      expect(await door.redis.llen(`{${list}}:dead`)).toBe(4);
      expect(await door.redis.lrange(`{${list}}:working`, 0, -1)).toEqual([payloads[4]]);
    });

    it("leaves the equal message of another consumer where it is when the reply to a settle is lost", async () => {
      const working = `{${list}}:working`;
      await produce("a");
      await door.redis.lpush(working, "a");
      const faulty = setup.faulty((_, commands) => (removes(commands) ? "lose-reply" : "none"));

      expect(await make({ redis: faulty }).run()).toMatchObject({ stopped: "error", unsettled: 1, acked: 0 });

      expect(await door.redis.lrange(working, 0, -1)).toEqual(["a"]);
    });
  });
}
