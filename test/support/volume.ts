import { expect } from "vitest";
import { createDrain, type RedisClient } from "../../src/index.ts";
import type { SideDoor } from "./side-door.ts";

/** Drains so many messages of 1 KB: each once, no key left, at most 0.12 commands a message, as Redis itself counts. */
export async function drainVolume(count: number, client: RedisClient, door: SideDoor): Promise<void> {
  const padding = "x".repeat(1_000);
  for (let first = 0; first < count; first += 1_000) {
    await door.redis.lpush("mail", ...Array.from({ length: 1_000 }, (_, at) => `${first + at}:${padding}`));
  }
  await door.resetCommandCount();
  const times = new Uint8Array(count);

  const report = await createDrain({
    redis: client,
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
}
