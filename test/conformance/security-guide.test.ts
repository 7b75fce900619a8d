import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { rightsCommands } from "../../cli/doctor/rights.ts";
import { createDrain, deadLetter, release } from "../../src/index.ts";
import { useClient, useRedisServer } from "../support/redis-under-test.ts";

const guide = readFileSync(new URL("../../docs/security.md", import.meta.url), "utf8");
const [, line = ""] = /```text\n(ACL SETUSER drain[\s\S]+?)```/.exec(guide) ?? [];
const words = line.trim().split(/\s+/);

/** The user that docs/security.md gives to drains. */
describe("the user of docs/security.md", () => {
  const redis = useRedisServer();
  const client = useClient(redis, ({ url }) =>
    ioredis({ url: url.replace("redis://", "redis://drain:secret@") }),
  );

  it("has the commands that `doctor` asks for, and no other", () => {
    const commands = words.filter((word) => word.startsWith("+")).map((word) => word.slice(1).toUpperCase());
    expect(commands.sort()).toEqual([...rightsCommands].sort());
  });

  it.each([
    ["right", []],
    ["left", ["+lpop"]],
  ] as const)(
    "may do all that a drain, a push and an operator do, from the %s with %o",
    async (consumeFrom, more) => {
      const given = words.slice(1).map((word) => (word === ">PASSWORD" ? ">secret" : word));
      await redis.door.redis.call("ACL", ...given, ...more);
      const drain = createDrain({
        redis: client(),
        list: "emails",
        consumeFrom,
        maxAttempts: 2,
        retryDelay: () => 0,
        handler: ({ payload, attempt }) => {
          if (payload === '"fails"') throw new Error("It fails.");
          if (payload === '"given back"' && attempt === 1) return release;
          return payload === '"dead"' ? deadLetter("unwanted") : undefined;
        },
      });
      await drain.push(["fine", "fails", "dead", "given back"].map((text) => JSON.stringify(text)));
      await drain.push("later", { delayMs: 1_000 });
      await drain.push({ id: "7" }, { dedupe: { id: () => "7", ttlMs: 60_000 } });
      await drain.limits.set({ messages: 1_000, windowMs: 60_000 });
      const reports = [
        await drain.run({ maxMessages: 4 }),
        await drain.run({ budgetMs: 3_000, maxMessages: 20 }),
      ];
      await drain.pause();
      await drain.resume();
      await drain.limits.set(null);
      await drain.recover();
      await drain.peek();
      await drain.leases();

      expect(reports.map(({ error }) => error)).toEqual([null, null]);
      expect(await drain.deadLetters.count()).toBe(2);
      expect(await drain.deadLetters.redrive({ where: { reason: "unwanted" } })).toEqual({ redriven: 1 });
      expect(await drain.deadLetters.purge()).toEqual({ purged: 1 });
      expect(await drain.stats()).toMatchObject({ dead: 0 });
    },
  );
});
