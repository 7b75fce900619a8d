import { Redis } from "@upstash/redis/cloudflare";
import { type RedisClient, RedisProtocolError } from "../../src/index.ts";
import { UpstashHttp } from "./upstash-http.ts";
import { readUpstashOptions, type UpstashInstance, type UpstashSource } from "./upstash-options.ts";
import { UpstashClient } from "./upstash-protocol.ts";

export type { UpstashOptions, UpstashRedis, UpstashSource } from "./upstash-options.ts";

/**
 * A client for Upstash' REST protocol beside `@upstash/redis`: from `{ url, token }`, or from a `Redis` of your own,
 * whose address and token it takes and whose settings it does not: retries, auto-pipelining, deserialisation, signals
 * and text decoding are each unsafe for a queue. Requests carry the package's own headers and go by `fetch`: its
 * `request` hides the HTTP status, follows redirects, and sends no bytes that are not text.
 * Throws `OptionError` for a URL or token that cannot work.
 */
export function upstash(options: UpstashSource): RedisClient {
  const { url, token, requestTimeoutMs } = readUpstashOptions(options);
  const { client } = new Redis({ url, token, latencyLogging: false }) as unknown as {
    client?: UpstashInstance;
  };
  if (typeof client?.headers !== "object") {
    throw new RedisProtocolError(
      "This version of @upstash/redis has no HTTP client where 1.39 has it: install 1.39.",
    );
  }
  return new UpstashClient(new UpstashHttp(url, client.headers), requestTimeoutMs);
}
