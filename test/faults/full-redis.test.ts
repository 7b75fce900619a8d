import { describe, expect, it } from "vitest";
import { createDrain, type RedisReplyError } from "../../src/index.ts";
import { upstashTo } from "../support/redis.ts";
import { useClient, useRedisServer } from "../support/redis-under-test.ts";

describe("a Redis at maxmemory", () => {
  const redis = useRedisServer();
  const { door } = redis;
  const client = useClient(redis, upstashTo);
  let pushed = 0;

  /** Pushes until Redis refuses: it is then as full as it gets. */
  const fill = async (): Promise<void> => {
    await door.redis.config("SET", "maxmemory", "0");
    await door.redis.flushall();
    const used = Number(/used_memory:(\d+)/.exec(await door.redis.info("memory"))?.[1]);
    await door.redis.config("SET", "maxmemory-policy", "noeviction");
    await door.redis.config("SET", "maxmemory", String(used + 2_000_000));
    pushed = 0;
    for (;;) {
      try {
        await door.redis.lpush("mail", `${pushed}:${"x".repeat(1_000)}`);
        pushed += 1;
      } catch (error) {
        expect(String(error)).toContain("OOM");
        return;
      }
    }
  };

  it("still drains through the scripted engine, every message once and in order, failures included", async () => {
    await fill();
    const seen: number[] = [];

    const report = await createDrain({
      redis: client(),
      list: "mail",
      concurrency: 1,
      retryDelay: () => 3_600_000,
      handler: (message) => {
        const number = Number.parseInt(message.payload, 10);
        seen.push(number);
        if (number === 3) throw new Error("no");
      },
    }).run();

    expect(seen).toEqual(Array.from({ length: pushed }, (_, at) => at));
    expect(report).toMatchObject({ acked: pushed - 1, retried: 1, stopped: "empty", error: null });
    expect(await door.delayed("mail")).toHaveLength(1);
  });

  it("is reported as full by the plain engine, which loses nothing", async () => {
    await fill();

    const report = await createDrain({
      redis: client(),
      list: "mail",
      engine: "plain",
      handler: () => undefined,
    }).run();

    expect(report.stopped).toBe("error");
    expect((report.error as RedisReplyError).prefix).toBe("OOM");
    expect(await door.redis.llen("mail")).toBe(pushed);
  });
});
