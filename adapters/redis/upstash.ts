import { Redis } from "@upstash/redis/cloudflare";
import { type RedisClient, RedisProtocolError } from "../../src/index.ts";
import { type HttpClient, readOptions, UpstashClient, type UpstashOptions } from "./upstash-protocol.ts";

export type { UpstashOptions } from "./upstash-protocol.ts";

/**
 * A client for Upstash' REST protocol, through `@upstash/redis`: from `{ url, token }`, or from a `Redis` of your own,
 * whose address and token it takes and whose settings it does not: retries, auto-pipelining, deserialisation, signals
 * and text decoding are each unsafe for a queue, so our calls go through an instance with all of them off.
 * Throws `OptionError` for a URL or token that cannot work.
 */
export function upstash(options: UpstashOptions | object): RedisClient {
  const { url, token, requestTimeoutMs } = readOptions(options);
  return new UpstashClient(openHttpClient(url, token), requestTimeoutMs);
}

/** An instance with every setting that is unsafe for a queue turned off, each named, so that no default can change it. */
function openHttpClient(url: string, token: string): HttpClient {
  const redis = new Redis({
    url,
    token,
    // `retry: false` would still send twice (@upstash/redis 1.39, http.ts).
    retry: { retries: 0 },
    enableAutoPipelining: false,
    automaticDeserialization: false,
    latencyLogging: false,
    readYourWrites: true,
    keepAlive: true,
    // The client would decode base64 to text and so lose bytes that are none; we ask for it and decode it ourselves.
    responseEncoding: false,
  });
  const http = (redis as unknown as { client?: HttpClient }).client;
  if (typeof http?.request !== "function" || typeof http.headers !== "object") {
    throw new RedisProtocolError(
      "This version of @upstash/redis has no HTTP client where 1.39 has it: install 1.39.",
    );
  }
  http.headers["Upstash-Encoding"] = "base64";
  return http;
}
