import { afterAll, beforeAll, expect, it } from "vitest";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import {
  createDrain,
  createSpillway,
  type Drain,
  type HostedDrain,
  type RedisClient,
} from "../../src/index.ts";
import { startTestRedis } from "../support/redis.ts";

let server: RedisServer;

beforeAll(async () => {
  server = await startTestRedis();
});

afterAll(async () => {
  await server.stop();
});

/** What a row makes: a drain over the client, and a push of messages to it. */
interface Made {
  readonly drain: HostedDrain;
  push(payloads: string[]): Promise<unknown>;
}

const kinds: [kind: string, make: (redis: RedisClient, handler: () => Promise<void>) => Made][] = [
  [
    "a drain",
    (redis, handler) => {
      const drain = createDrain({ redis, list: "one", handler, concurrency: 1 });
      return { drain, push: (payloads) => drain.push(payloads) };
    },
  ],
  [
    "a drain of the plain engine",
    (redis, handler) => {
      const drain = createDrain({ redis, list: "plain", handler, concurrency: 1, engine: "plain" });
      return { drain, push: (payloads) => drain.push(payloads) };
    },
  ],
  [
    "a drain in order by key",
    (redis, handler) => {
      const order = { byKey: () => "a key" };
      const drain = createDrain({ redis, list: "by-key", handler, concurrency: 1, order });
      return { drain, push: (payloads) => drain.push(payloads) };
    },
  ],
  [
    "a drain of a list with shards",
    (redis, handler) => {
      const drain = createDrain({ redis, list: "sharded", handler, concurrency: 1, shards: 2 });
      return { drain, push: (payloads) => drain.push(payloads) };
    },
  ],
  [
    "a drain of several lists",
    (redis, handler) => {
      const own = { handler, concurrency: 1 };
      const drain = createSpillway({ redis, lists: { mails: own, images: own } });
      return { drain, push: (payloads) => drain.push("mails", payloads) };
    },
  ],
];

it.each(kinds)(
  "%s that is closed in mid-run settles what was handled before its connection ends",
  async (_, make) => {
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    let count = 0;
    // The third message runs until the close aborts it; by then two are done and not yet settled.
    const { drain, push } = make(ioredis({ url: server.url }), async () => {
      count += 1;
      if (count < 3) return;
      begin();
      await closing;
    });
    await push(["1", "2", "3", "4", "5", "6"]);
    const running = drain.run();
    let close = (): void => undefined;
    const closing = new Promise<void>((resolve) => {
      close = resolve;
    });
    await begun;
    const closed = drain.close();
    close();
    const report = await running;
    await closed;
    expect(report).toMatchObject({ stopped: "aborted", error: null, unsettled: 0, leftBehind: 0 });
    expect(report.acked).toBe(count);

    const redis = ioredis({ url: server.url });
    const again = make(redis, async () => undefined);
    const rest = await again.drain.run();
    expect(rest).toMatchObject({ acked: 6 - count, recovered: 0 });
    await again.drain.close();
  },
);

it("a handler that closes its own drain and waits for that holds it up only until the run leaves it behind", async () => {
  const redis = ioredis({ url: server.url });
  const handler = (): Promise<void> => drain.close();
  const drain: Drain = createDrain({ redis, list: "own", handler, reserveMs: 100 });
  await drain.push(["1"]);
  const report = await drain.run();
  expect(report).toMatchObject({ stopped: "aborted", leftBehind: 1 });
  await drain.close();
});
