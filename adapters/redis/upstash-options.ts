import { OptionError } from "../../src/index.ts";
import { readRequestTimeout, refuseWhiteSpace } from "./options.ts";

/** Where Upstash, or another server of its REST protocol, is. */
export interface UpstashOptions {
  /** `https://….upstash.io`, or `http://…` for a server of your own. */
  url: string;
  token: string;
  /** How long a request may take, ms. Default: 10,000. */
  requestTimeoutMs?: number;
}

/** What we use of a `Redis` of `@upstash/redis` 1.39: the address and the headers of the HTTP client inside. */
export interface UpstashInstance {
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Reads `{ url, token }`, a `Redis` of `@upstash/redis`, or `{ redis }` with one. Throws `OptionError` for what cannot
 * work, and shows no value: any of them may be a secret in the wrong place.
 */
export function readUpstashOptions(options: unknown): Required<UpstashOptions> {
  if (typeof options !== "object" || options === null) {
    throw new OptionError("upstash", "{ url, token } or a Redis of @upstash/redis", typeof options);
  }
  const given = options as Partial<UpstashOptions> & { client?: Partial<UpstashInstance>; redis?: unknown };
  if (given.redis !== undefined) {
    return { ...readUpstashOptions(given.redis), requestTimeoutMs: readRequestTimeout(given) };
  }
  const inner = typeof given.client?.headers === "object" ? given.client : undefined;
  const url = inner ? inner.baseUrl : given.url;
  const token = inner ? inner.headers?.authorization?.replace(/^Bearer /, "") : given.token;
  return { url: readUrl(url), token: readToken(token), requestTimeoutMs: readRequestTimeout(given) };
}

function readUrl(url: unknown): string {
  refuseWhiteSpace("url", url);
  const expected = 'the REST URL, such as "https://….upstash.io"';
  if (typeof url !== "string") throw new OptionError("url", expected, kindOf(url));
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed) throw new OptionError("url", expected, url === "" ? "nothing" : "a text that is no URL");
  if (/^rediss?:$/.test(parsed.protocol)) {
    throw new OptionError("url", expected, "a URL for Redis over TCP: that is for ioredis or nodeRedis");
  }
  if (!/^https?:$/.test(parsed.protocol)) throw new OptionError("url", expected, "a URL of another protocol");
  if (parsed.username || parsed.password || parsed.search || parsed.hash) {
    throw new OptionError("url", `${expected}, without credentials or a query`, "one with them");
  }
  return url.replace(/\/+$/, "");
}

function readToken(token: unknown): string {
  refuseWhiteSpace("token", token);
  const expected = "the REST token";
  if (typeof token !== "string" || token === "" || token === "undefined") {
    throw new OptionError(
      "token",
      expected,
      token === "" || token === "undefined" ? "nothing" : kindOf(token),
    );
  }
  if (/^\w+:\/\//.test(token)) {
    throw new OptionError("token", expected, "a URL: perhaps url and token are in each other's place");
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new OptionError("token", expected, "one with characters that no token has");
  }
  return token;
}

function kindOf(given: unknown): string {
  return given === undefined || given === null ? "nothing" : typeof given;
}
