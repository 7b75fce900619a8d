import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import type { RestServer } from "../../adapters/local/rest-server.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { createDrain } from "../../src/index.ts";
import { type HttpProxy, startHttpProxy } from "../support/http-proxy.ts";
import { startRest, startTestRedis, testToken } from "../support/redis.ts";
import { SideDoor } from "../support/side-door.ts";

const messageCount = 5_000;

describe("a network between client and REST server", () => {
  let server: RedisServer;
  let rest: RestServer;
  let door: SideDoor;
  let proxy: HttpProxy;

  beforeAll(async () => {
    server = await startTestRedis();
    rest = await startRest(server);
    door = new SideDoor(server.url);
  });

  afterEach(async () => {
    await proxy.close();
  });

  afterAll(async () => {
    door.close();
    await rest.close();
    await server.stop();
  });

  const drainThrough = async (prefetch: 0 | 1): Promise<Map<string, number>> => {
    const payloads = Array.from({ length: messageCount }, (_, at) => `m${at}`);
    await door.redis.lpush("mail", ...payloads);
    const counts = new Map(payloads.map((payload) => [payload, 0]));
    const drain = createDrain({
      redis: upstash({ url: proxy.url, token: testToken }),
      list: "mail",
      prefetch,
      batchSize: 100,
      handler: (message) => void counts.set(message.payload, (counts.get(message.payload) ?? 0) + 1),
    });

    const report = await drain.run();

    expect(report).toMatchObject({ claimed: messageCount, stopped: "empty", error: null });
    expect(await door.everything()).toEqual({});
    return counts;
  };

  it.each([
    [3, 0],
    [4, 1],
    [7, 0],
    [7, 1],
  ] as const)(
    "that drops each %i-th reply after the command has run does not make any message run twice (prefetch %i)",
    async (nth, prefetch) => {
      proxy = await startHttpProxy({
        target: rest.url,
        decide: ({ index }) => (index % nth === nth - 1 ? "drop-reply" : "pass"),
      });

      const counts = await drainThrough(prefetch);

      expect([...counts.values()].every((count) => count === 1)).toBe(true);
      expect(proxy.requests.length).toBeGreaterThan(messageCount / 100);
    },
  );

  it("that drops each 3rd request before it arrives does not make any message run twice", async () => {
    proxy = await startHttpProxy({
      target: rest.url,
      decide: ({ index }) => (index % 3 === 2 ? "drop-request" : "pass"),
    });

    expect([...(await drainThrough(0)).values()].every((count) => count === 1)).toBe(true);
  });

  it("that delivers every request twice does not make any message run twice", async () => {
    proxy = await startHttpProxy({ target: rest.url, decide: () => "double" });

    expect([...(await drainThrough(0)).values()].every((count) => count === 1)).toBe(true);
  });
});
