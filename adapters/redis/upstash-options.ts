import { OptionError } from "../../src/index.ts";
import { type Checked, checkOptions, type Kinds, object } from "../../src/internals.ts";
import { requestTimeoutMs, secret } from "./options.ts";

/** The address of Upstash, or of another server of its REST protocol. */
export interface UpstashOptions {
  /** `https://….upstash.io`, or `http://…` for a server of your own. */
  url: string | undefined;
  token: string | undefined;
  /** How long a request may take, ms. Default: 10,000. */
  requestTimeoutMs?: number;
}

/** A `Redis` of `@upstash/redis`, by its public type. What is read from it is not public. */
export interface UpstashRedis {
  pipeline(): object;
  multi(): object;
  createScript(script: string): object;
}

/** What `upstash` takes. */
export type UpstashSource =
  | UpstashOptions
  | UpstashRedis
  | { redis: UpstashRedis; requestTimeoutMs?: number };

/** The part of a `Redis` of `@upstash/redis` 1.39 that is used here: the address and the headers of its HTTP client. */
export interface UpstashInstance {
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
}

const urlWanted = 'the REST URL, such as "https://….upstash.io"';

const kinds = {
  url: secret(urlWanted),
  token: secret("the REST token"),
  requestTimeoutMs,
} satisfies Kinds<UpstashOptions>;

const instanceKinds = {
  redis: object<object>({ methods: [], wanted: "a Redis of @upstash/redis" }),
  requestTimeoutMs,
};

/**
 * Reads `{ url, token }`, a `Redis` of `@upstash/redis`, or `{ redis }` with one. Throws `OptionError` for what cannot
 * work, and shows no value: any of them may be a secret in the wrong place.
 */
export function readUpstashOptions(options: unknown): Checked<typeof kinds> {
  const given = (options ?? {}) as { client?: Partial<UpstashInstance>; redis?: unknown };
  if (given.redis !== undefined) {
    const { redis, requestTimeoutMs } = checkOptions(instanceKinds, given, "upstash");
    return { ...readUpstashOptions(redis), requestTimeoutMs };
  }
  const inner = typeof given.client?.headers === "object" ? given.client : undefined;
  const plain = inner && {
    url: inner.baseUrl || undefined,
    token: inner.headers?.authorization?.replace(/^Bearer (undefined$)?/, "") || undefined,
  };
  const checked = checkOptions(kinds, plain ?? options, "upstash");
  refuseUrl(checked.url);
  refuseToken(checked.token);
  return { ...checked, url: checked.url.replace(/\/+$/, "") };
}

function refuseUrl(url: string): void {
  const refuse = (received: string): never => {
    throw new OptionError("url", `${urlWanted}, without credentials or a query`, received);
  };
  if (/\s/.test(url) || !URL.canParse(url)) refuse("a text that is no URL");
  const { protocol, username, password, search, hash } = new URL(url);
  if (/^rediss?:$/.test(protocol)) refuse("a URL for Redis over TCP: that is for ioredis or nodeRedis");
  if (!/^https?:$/.test(protocol)) refuse("a URL of another protocol");
  if (username || password || search || hash) refuse("one with them");
}

function refuseToken(token: string): void {
  if (/^\w+:\/\//.test(token)) {
    throw new OptionError(
      "token",
      kinds.token.wanted,
      "a URL: perhaps url and token are in each other's place",
    );
  }
  // Other characters cannot stand in a header, and an unset variable becomes the text `undefined`.
  if (token === "undefined" || !/^[\x21-\x7e]+$/.test(token)) {
    throw new OptionError("token", kinds.token.wanted, "another text");
  }
}
