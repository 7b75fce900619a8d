import { Redis } from "@upstash/redis/cloudflare";
import { type RedisClient, SpillwayError } from "../../src/index.ts";
import { UpstashHttp } from "./upstash-http.ts";
import { readUpstashOptions, type UpstashInstance, type UpstashSource } from "./upstash-options.ts";
import { UpstashClient } from "./upstash-protocol.ts";

export type { UpstashOptions, UpstashRedis, UpstashSource } from "./upstash-options.ts";

/**
 * A client for Upstash' REST protocol that uses `@upstash/redis`: from `{ url, token }`, or from a `Redis` of your own. It takes
 * the address and the token of yours, and none of its settings: retries, auto-pipelining, deserialisation, signals and text
 * decoding are each unsafe for a queue. Requests have the package's own headers and go by `fetch`, since its `request` hides the
 * HTTP status, follows redirects, and sends only text. Throws `OptionError` for a URL or token that cannot work.
 */
export function upstash(options: UpstashSource): RedisClient {
  const { url, token, requestTimeoutMs } = readUpstashOptions(options);
  const { client } = new Redis({ url, token, latencyLogging: false }) as unknown as {
    client?: UpstashInstance;
  };
  if (typeof client?.headers !== "object") {
    const wanted = "This version of @upstash/redis is built differently from 1.39. Install 1.39.";
    throw new SpillwayError("redis-protocol", wanted);
  }
  return new UpstashClient(new UpstashHttp(url, client.headers), requestTimeoutMs);
}
