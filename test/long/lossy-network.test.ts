import { afterEach, describe, expect, it } from "vitest";
import { upstash } from "../../adapters/redis/upstash.ts";
import { createDrain } from "../../src/index.ts";
import { type Decision, type HttpProxy, type ProxiedRequest, startHttpProxy } from "../support/http-proxy.ts";
import { testToken } from "../support/redis.ts";
import { useRestServer } from "../support/redis-under-test.ts";

const messageCount = 5_000;

describe("a network between client and REST server", () => {
  const redis = useRestServer();
  const { door } = redis;
  let proxy: HttpProxy;

  const startProxy = async (decide: (request: ProxiedRequest) => Decision): Promise<void> => {
    proxy = await startHttpProxy({ target: redis.server().url, decide });
  };

  afterEach(async () => {
    await proxy.close();
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
      await startProxy(({ index }) => (index % nth === nth - 1 ? "drop-reply" : "pass"));

      const counts = await drainThrough(prefetch);

      expect([...counts.values()].every((count) => count === 1)).toBe(true);
      expect(proxy.requests.length).toBeGreaterThan(messageCount / 100);
    },
  );

  it("that drops each 3rd request before it arrives does not make any message run twice", async () => {
    await startProxy(({ index }) => (index % 3 === 2 ? "drop-request" : "pass"));

    expect([...(await drainThrough(0)).values()].every((count) => count === 1)).toBe(true);
  });

  it("that delivers every request twice does not make any message run twice", async () => {
    await startProxy(() => "double");

    expect([...(await drainThrough(0)).values()].every((count) => count === 1)).toBe(true);
  });
});
