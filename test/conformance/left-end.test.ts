import { describe, expect, it } from "vitest";
import { cloudflareHandler } from "../../adapters/hosts/cloudflare/index.ts";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import {
  createDrain,
  createSpillway,
  type EveryDrainOption,
  leftEnd,
  type Message,
  OptionError,
  retry,
} from "../../src/index.ts";
import { makeRunner } from "../../src/runner.ts";
import { useClient, useRedisServer } from "../support/redis-under-test.ts";

/* What only a list with its next message at the left end has. All else that it promises is in test/long/left-end.test.ts. */
const list = "queues:default";
const redis = useRedisServer();
const client = useClient(redis, ({ url }) => ioredis({ url }));
const { door } = redis;

const make = (options: Partial<EveryDrainOption<never>> = {}) =>
  createDrain({
    redis: client(),
    list,
    consumeFrom: "left",
    concurrency: 1,
    handler: () => undefined,
    ...options,
  } as never);

describe('consumeFrom: "left"', () => {
  it("handles what producers RPUSH first in, first out, what failed later, and leaves no key", async () => {
    await door.redis.rpush(list, "1", "2", "3");
    await door.redis.rpush(list, "4", "5");
    const seen: string[] = [];
    const drain = make({
      handler: ({ payload, attempt }: Message) => {
        seen.push(payload);
        return payload === "2" && attempt === 1 ? retry({ afterMs: 60_000 }) : undefined;
      },
    });

    expect(await drain.run()).toMatchObject({ acked: 4, retried: 1, stopped: "empty" });
    await door.redis.rpush(list, "6");
    await door.makeDue(list);
    expect(await drain.run()).toMatchObject({ acked: 2 });

    expect(seen).toEqual(["1", "2", "3", "4", "5", "6", "2"]);
    expect(await door.everything()).toEqual({});
  });

  it("returns what a dead drain held to the left end, in its old order", async () => {
    await door.redis.rpush(list, "1", "2", "3", "4");
    const dying = ioredis({ url: redis.server().url });
    const handler = () => dying.close().then(() => new Promise<undefined>(() => {}));
    await make({ redis: dying, batchSize: 2, prefetch: 0, handler }).run({ budgetMs: 200 });
    expect(await door.redis.lrange(list, 0, -1)).toEqual(["3", "4"]);
    await door.expireLeases(list);

    expect(await make().recover()).toMatchObject({ recovered: 2 });

    expect(await door.redis.lrange(list, 0, -1)).toEqual(["1", "2", "3", "4"]);
  });

  it("pushes to the right end, and with priority next to the left one", async () => {
    const drain = make();
    await drain.push(["2", "3"]);
    await drain.push(["0", "1"], { priority: "next" });
    await drain.push(["4"], { dedupe: { id: String, ttlMs: 1_000 } });
    expect(await door.redis.lrange(list, 0, -1)).toEqual(["0", "1", "2", "3", "4"]);
    expect((await drain.peek({ count: 2 })).map(({ payload }) => payload)).toEqual(["0", "1"]);
    expect((await drain.peek({ count: 1, from: "newest" })).map(({ payload }) => payload)).toEqual(["4"]);
  });

  it("goes for each list of several", async () => {
    await door.redis.rpush("a", "1", "2", "3");
    await door.redis.lpush("b", "1", "2", "3");
    const seen: string[] = [];
    const handler = ({ list: of, payload }: Message) => void seen.push(of + payload);
    const options = { handler, concurrency: 1 };
    await using several = createSpillway({
      redis: client(),
      lists: { a: { ...options, consumeFrom: "left" }, b: options },
    });
    await several.run();
    expect(seen.filter((one) => one.startsWith("a"))).toEqual(["a1", "a2", "a3"]);
    expect(seen.filter((one) => one.startsWith("b"))).toEqual(["b1", "b2", "b3"]);
  });

  it("costs no request and no command more", async () => {
    const counts = [];
    for (const consumeFrom of ["left", "right"] as const) {
      const drain = make({ consumeFrom });
      for (let round = 0; round < 2; round++) {
        await door.redis.rpush(list, ...Array.from({ length: 250 }, (_, at) => `m${at}`));
        await door.resetCommandCount();
        const { requests, commands } = await drain.run();
        if (round > 0) counts.push({ requests, commands, counted: await door.commandCount() });
      }
    }
    expect(counts[0]).toEqual(counts[1]);
  });

  it.each([["up"], [1], [null], [{}], [["left"]], [Number.NaN]])("refuses %s", (consumeFrom) => {
    expect(() => make({ consumeFrom: consumeFrom as never })).toThrow(OptionError);
  });

  it("comes to a Worker only as the value leftEnd", () => {
    const options = { redis: client(), list, handler: () => undefined };
    expect(() => makeRunner({ ...options, consumeFrom: "left" })).toThrow(/leftEnd \(of spillway\)/);
    expect(() => makeRunner({ ...options, consumeFrom: leftEnd })).not.toThrow();
    expect(() => cloudflareHandler(() => ({ ...options, consumeFrom: leftEnd }))).not.toThrow();
  });
});
