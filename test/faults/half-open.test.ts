import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { redisBackend } from "../../adapters/local/redis-backend.ts";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import { type RestServer, startRestServer } from "../../adapters/local/rest-server.ts";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { nodeRedis } from "../../adapters/redis/node-redis.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { upstash as upstashByFetch } from "../../adapters/redis/upstash-fetch.ts";
import { type RedisClient, RedisTransportError } from "../../src/index.ts";
import { startRest, startTestRedis, testToken as token } from "../support/redis.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { measureTimeScale } from "../support/time-scale.ts";

const scaled = measureTimeScale();

describe("a connection whose far end is gone without a word", () => {
  let server: RedisServer;
  let rest: RestServer;
  let proxy: TcpProxy;
  let client: RedisClient;

  beforeAll(async () => {
    server = await startTestRedis();
    rest = await startRest(server);
  });

  beforeEach(async () => {
    proxy = await startTcpProxy(server.port);
  });

  afterEach(async () => {
    await client.close();
    await proxy.close();
  });

  afterAll(async () => {
    await rest.close();
    await server.stop();
  });

  const overHttp = async (open: typeof upstash): Promise<RedisClient> => {
    await proxy.close();
    proxy = await startTcpProxy(rest.port);
    return open({ url: `http://127.0.0.1:${proxy.port}`, token });
  };

  const clients: [string, () => Promise<RedisClient>][] = [
    ["ioredis", async () => ioredis({ url: `redis://127.0.0.1:${proxy.port}` })],
    ["node-redis", async () => nodeRedis({ url: `redis://127.0.0.1:${proxy.port}` })],
    ["upstash", () => overHttp(upstash)],
    ["upstash by fetch alone", () => overHttp(upstashByFetch)],
    [
      "the REST server",
      async () => {
        const backend = redisBackend({ url: `redis://127.0.0.1:${proxy.port}` });
        const restServer = await startRestServer({ port: 0, token, backend });
        const inner = upstashByFetch({ url: restServer.url, token });
        return {
          name: "rest",
          // The time-out that counts is the server's own, before its Redis.
          command: (command, options) => backend.command(command, options),
          pipeline: (commands, options) => inner.pipeline(commands, options),
          close: () => restServer.close(),
        };
      },
    ],
  ];

  it.each(clients)(
    "%s: ends with the request that timed out, and the next goes by a new one",
    async (name, open) => {
      client = await open();
      expect(await client.command(["PING"])).toBe("PONG");
      const deadCount = proxy.count;
      proxy.silence();
      // Several, where HTTP keeps several: each serves one request more, and no other.
      const failures: unknown[] = [];
      const tryAgain = async (): Promise<unknown> => {
        const timeoutMs = failures.length < deadCount ? scaled(300) : scaled(10_000);
        return client.command(["PING"], { timeoutMs }).catch((error: unknown) => {
          failures.push(error);
          return failures.length > deadCount ? error : tryAgain();
        });
      };
      while (failures.length < deadCount && proxy.count === deadCount) expect(await tryAgain()).toBe("PONG");
      expect(await tryAgain()).toBe("PONG");
      expect(failures.every((error) => error instanceof RedisTransportError)).toBe(true);
      if (!name.startsWith("upstash")) expect(failures).toHaveLength(1);
      expect(await client.pipeline([["PING"]])).toEqual(["PONG"]);
    },
  );

  it.each(clients.slice(0, 2))("%s: the replies that others wait for on it still come", async (_, open) => {
    client = await open();
    await client.command(["DEL", "none"]);
    const blocked = client.command(["BLPOP", "none", 1], { timeoutMs: 50 });
    const innocent = client.command(["PING"], { timeoutMs: 5_000 });
    await expect(blocked).rejects.toThrow(RedisTransportError);
    expect(await client.command(["LPUSH", "none", "wakes it"])).toBe(1);
    expect(await innocent).toBe("PONG");
  });
});
