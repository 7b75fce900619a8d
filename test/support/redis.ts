import { redisBackend } from "../../adapters/local/redis-backend.ts";
import { type RedisServer, startRedisServer } from "../../adapters/local/redis-process.ts";
import { type RestServer, startRestServer } from "../../adapters/local/rest-server.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { upstash as upstashByFetch } from "../../adapters/redis/upstash-fetch.ts";
import type { RedisClient } from "../../src/index.ts";

export const testToken = "a-token-for-tests-only";

/** A real redis-server on a free port, without persistence. */
export function startTestRedis(): Promise<RedisServer> {
  return startRedisServer();
}

/** Our REST server in front of a real Redis. */
export async function startRest(server: RedisServer): Promise<RestServer> {
  return startRestServer({ port: 0, token: testToken, backend: redisBackend({ url: server.url }) });
}

/** The real `@upstash/redis` over HTTP to our REST server in front of a real Redis; closing the client closes the server. */
export async function upstashTo(server: RedisServer): Promise<RedisClient> {
  const rest = await startRest(server);
  return withClose(upstash({ url: rest.url, token: testToken }), () => rest.close());
}

/** The same without the package, by `fetch` alone. */
export async function upstashByFetchTo(server: RedisServer): Promise<RedisClient> {
  const rest = await startRest(server);
  return withClose(upstashByFetch({ url: rest.url, token: testToken }), () => rest.close());
}

/** The client with something more to do when it closes. */
export function withClose(client: RedisClient, close: () => Promise<void>): RedisClient {
  return {
    name: client.name,
    command: (command, options) => client.command(command, options),
    pipeline: (commands, options) => client.pipeline(commands, options),
    close: async () => {
      await client.close();
      await close();
    },
  };
}
