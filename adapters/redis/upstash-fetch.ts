import type { RedisClient } from "../../src/index.ts";
import {
  type HttpClient,
  readOptions,
  tooLarge,
  UpstashClient,
  type UpstashOptions,
} from "./upstash-protocol.ts";

export type { UpstashOptions } from "./upstash-protocol.ts";

/**
 * `upstash` of `spillway/upstash` without `@upstash/redis`: the same options, requests and errors over `fetch` alone, for
 * Workers and other places where every kilobyte is loaded again at each cold start. Throws `OptionError` for a URL or
 * token that cannot work.
 */
export function upstash(options: UpstashOptions | object): RedisClient {
  const { url, token, requestTimeoutMs } = readOptions(options);
  return new UpstashClient(new FetchClient(url, token), requestTimeoutMs);
}

class FetchClient implements HttpClient {
  readonly baseUrl: string;
  readonly headers: Record<string, string>;

  constructor(url: string, token: string) {
    this.baseUrl = url.replace(/\/$/, "");
    this.headers = {
      Authorization: `Bearer ${token}`,
      "Content-Type": "application/json",
      "Upstash-Encoding": "base64",
    };
  }

  /** One POST, never repeated here: only the broker knows what may be. */
  async request({ path = [], body, signal }: Parameters<HttpClient["request"]>[0]): Promise<unknown> {
    const response = await fetch([this.baseUrl, ...path].join("/"), {
      method: "POST",
      headers: this.headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal(),
    });
    // Echoed, this lets the next request, by whichever replica it is answered, see what this one wrote.
    const syncToken = response.headers.get("upstash-sync-token");
    if (syncToken !== null) this.headers["upstash-sync-token"] = syncToken;
    const text = await response.text();
    if (response.status === 413) throw tooLarge();
    return parse(text, response.ok);
  }
}

/** Throws errors by the names that `UpstashClient` knows from `@upstash/redis`. */
function parse(text: string, isOk: boolean): unknown {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw named("UpstashJSONParseError", `Unable to parse response body: ${text.slice(0, 200)}`);
  }
  if (isOk) return body;
  throw named("UpstashError", String((body as { error?: unknown } | null)?.error));
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
