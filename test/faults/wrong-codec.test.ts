import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import { createDrain, type Drain, type DrainOptions, type RedisClient } from "../../src/index.ts";
import { startTestRedis, upstashTo } from "../support/redis.ts";
import { SideDoor } from "../support/side-door.ts";

const list = "mail";
const count = 1_000;

/** Deploys that refuse every message, as a wrong codec or a changed schema does. Add a row for another. */
const deploys: readonly [
  name: string,
  payload: (at: number) => string | Buffer,
  options: Partial<DrainOptions>,
][] = [
  [
    "gzipped payloads with the JSON codec",
    (at) => gzipSync(`{"n":${at}}`),
    { handler: ({ value }) => void value },
  ],
  [
    "a codec that throws",
    (at) => `{"n":${at}}`,
    {
      codec: {
        decode: () => {
          throw new RangeError("Unknown version.");
        },
      },
      handler: ({ value }) => void value,
    },
  ],
  [
    "a schema that fits nothing",
    (at) => `{"n":${at}}`,
    {
      schema: {
        "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [{ message: "no" }] }) },
      },
      handler: () => undefined,
    },
  ],
  [
    "a schema that fits nothing, in batches",
    (at) => `{"n":${at}}`,
    {
      schema: {
        "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [{ message: "no" }] }) },
      },
      batchHandler: () => undefined,
    },
  ],
];

describe("a deploy that can read no message", () => {
  let server: RedisServer;
  let redis: RedisClient;
  let door: SideDoor;

  beforeAll(async () => {
    server = await startTestRedis();
    redis = await upstashTo(server);
    door = new SideDoor(server.url);
  });
  afterEach(async () => {
    await door.redis.flushall();
  });
  afterAll(async () => {
    await redis?.close();
    door?.close();
    await server?.stop();
  });

  const make = (options: Partial<DrainOptions>): Drain => createDrain({ redis, list, ...options });

  it.each(deploys)(
    "is held by the brake as an outage is, and loses nothing: %s",
    async (_, payload, options) => {
      await door.redis.lpush(list, ...Array.from({ length: count }, (__, at) => payload(at)));

      const report = await make(options).run({ budgetMs: 20_000 });

      expect(report).toMatchObject({ stopped: "braked", deadLettered: 0, acked: 0 });
      expect(report.failures).toHaveLength(1);
      expect(await door.redis.llen(list)).toBe(count);
      await door.endPause(list);
      // The probe counts, so that a list of nothing but such messages ends.
      expect(await make(options).run()).toMatchObject({ claimed: 1, deadLettered: 1, stopped: "braked" });
      await door.endPause(list);
      // The deploy is taken back: one success, and all goes on.
      const after = await make({ handler: () => undefined }).run();
      expect(after).toMatchObject({ acked: count - 1, stopped: "empty" });
    },
  );

  it("is told from one bad message among good ones, which is a dead letter at its first attempt", async () => {
    const payloads = Array.from({ length: 50 }, (_, at) => (at === 20 ? "not json" : `{"n":${at}}`));
    await door.redis.lpush(list, ...payloads);

    const report = await make({ handler: ({ value }) => void value }).run();

    expect(report).toMatchObject({ acked: 49, deadLettered: 1, retried: 0, released: 0, stopped: "empty" });
    expect(await make({ handler: () => undefined }).deadLetters.list()).toMatchObject([
      { payload: "not json", reason: "undecodable", attempts: 1 },
    ]);
  });

  it("is told from one bad message alone, which is a dead letter too", async () => {
    await door.redis.lpush(list, "not json");

    expect(await make({ handler: ({ value }) => void value }).run()).toMatchObject({
      deadLettered: 1,
      stopped: "empty",
    });
  });
});
