import { describe, expect, it } from "vitest";
import { createDrain } from "../../src/index.ts";
import { upstashTo } from "../support/redis.ts";
import { useClient, useRedisServer } from "../support/redis-under-test.ts";

describe("100,000 messages of 1 KB over REST", () => {
  const redis = useRedisServer();
  const { door } = redis;
  const client = useClient(redis, upstashTo);

  it("drain each once, leave no key, and cost at most 0.12 commands a message, as Redis itself counts", async () => {
    const count = 100_000;
    const padding = "x".repeat(1_000);
    for (let first = 0; first < count; first += 1_000) {
      await door.redis.lpush("mail", ...Array.from({ length: 1_000 }, (_, at) => `${first + at}:${padding}`));
    }
    await door.resetCommandCount();
    const times = new Uint8Array(count);

    const report = await createDrain({
      redis: client(),
      list: "mail",
      batchSize: 100,
      handler: (message) => {
        const at = Number.parseInt(message.payload, 10);
        times[at] = (times[at] ?? 0) + 1;
      },
    }).run();

    expect(await door.commandCount()).toBe(report.commands);
    expect(report.commands / count).toBeLessThanOrEqual(0.12);
    expect(times.every((time) => time === 1)).toBe(true);
    expect(report).toMatchObject({ claimed: count, acked: count, stopped: "empty", error: null });
    expect(await door.everything()).toEqual({});
  });
});
