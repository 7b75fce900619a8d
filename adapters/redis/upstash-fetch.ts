import type { RedisClient } from "../../src/index.ts";
import { UpstashHttp } from "./upstash-http.ts";
import { readUpstashOptions, type UpstashSource } from "./upstash-options.ts";
import { UpstashClient } from "./upstash-protocol.ts";

export type { UpstashOptions, UpstashRedis, UpstashSource } from "./upstash-options.ts";

/**
 * `upstash` of `spillway/upstash` without `@upstash/redis`: the same options, requests and errors, for Workers and other
 * places where every kilobyte is loaded again at each cold start. Throws `OptionError` for a URL or token that cannot
 * work.
 */
export function upstash(options: UpstashSource): RedisClient {
  const { url, token, requestTimeoutMs } = readUpstashOptions(options);
  return new UpstashClient(new UpstashHttp(url, { Authorization: `Bearer ${token}` }), requestTimeoutMs);
}
