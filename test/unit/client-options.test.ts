import { inspect } from "node:util";
import { Redis } from "@upstash/redis";
import { Redis as Ioredis } from "ioredis";
import { createClient } from "redis";
import { expect, it } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { nodeRedis } from "../../adapters/redis/node-redis.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { upstash as upstashByFetch } from "../../adapters/redis/upstash-fetch.ts";
import { OptionError } from "../../src/index.ts";

const secret = "hunter2hunter2";
const url = "https://example.upstash.test";
const tcp = `redis://default:${secret}@localhost:6379`;

type Open = (options: never) => unknown;

/** Options that cannot work, which option is to blame, and a word of what to do. */
const rest: [given: unknown, option: string, says: RegExp][] = [
  [undefined, "upstash", /object/],
  [null, "upstash", /object/],
  [secret, "upstash", /object/],
  [{}, "url", /REST URL/],
  [{ token: secret }, "url", /nothing/],
  [{ url: `rediss://default:${secret}@x.test`, token: secret }, "url", /TCP/],
  [{ url: secret, token: url }, "url", /no URL/],
  [{ url, token: `${url}/${secret}` }, "token", /each other's place/],
  [{ url: `https://user:${secret}@x.test`, token: secret }, "url", /without credentials/],
  [{ url: `${url}?_token=${secret}`, token: secret }, "url", /without credentials or a query/],
  [{ url: `${url}\n`, token: secret }, "url", /white space at its ends/],
  [{ url: `https://x.te\nst/${secret}`, token: secret }, "url", /URL/],
  [{ url: `ftp://${secret}`, token: secret }, "url", /another protocol/],
  [{ url: [secret], token: secret }, "url", /an array/],
  [{ url, token: `${secret}\n` }, "token", /white space at its ends/],
  [{ url, token: ` ${secret}` }, "token", /white space at its ends/],
  [{ url, token: `${secret}\u00a0` }, "token", /white space at its ends/],
  [{ url, token: `${secret} ${secret}` }, "token", /without white space/],
  [{ url, token: `${secret}\u200b` }, "token", /token/],
  [{ url, token: "" }, "token", /empty/],
  [{ url, token: "undefined" }, "token", /token/],
  [{ url, token: { secret } }, "token", /an object/],
  [{ url, token: secret, requestTimeoutMs: 0 }, "requestTimeoutMs", /whole number/],
  [{ url, token: secret, requestTimeoutMs: Number.NaN }, "requestTimeoutMs", /NaN/],
  [{ url, token: secret, requestTimeoutMs: 1e21 }, "requestTimeoutMs", /1e\+21/],
  [{ url, token: secret, timeout: 5 }, "timeout", /unknown/],
  [{ url, tokn: secret }, "tokn", /token/],
  [{ redis: { secret } }, "redis", /./],
];

const overTcp: [given: unknown, option: string, says: RegExp][] = [
  [{}, "url", /redis:/],
  [{ url: `${tcp}\n` }, "url", /white space at its ends/],
  [{ url: ` ${tcp}` }, "url", /white space at its ends/],
  [{ url: `redis://default:${secret}#@x:6379` }, "url", /percent-encoded/],
  [{ url: `https://${secret}` }, "url", /redis:/],
  [{ url: `${tcp}/${secret}` }, "url", /number of a database/],
  [{ url: secret }, "url", /redis:/],
  [{ url: tcp, requestTimeoutMs: "5" }, "requestTimeoutMs", /whole number/],
  [{ url: tcp, requestTimeoutMs: -1 }, "requestTimeoutMs", /-1/],
  [{ url: tcp, password: secret }, "password", /unknown/],
];

const cases: [string, Open, unknown, string, RegExp][] = [
  ...rest.map((row): [string, Open, ...typeof row] => ["upstash", upstash as Open, ...row]),
  ...rest.map((row): [string, Open, ...typeof row] => ["upstash by fetch", upstashByFetch as Open, ...row]),
  ...overTcp.map((row): [string, Open, ...typeof row] => ["ioredis", ioredis as Open, ...row]),
  ...overTcp.map((row): [string, Open, ...typeof row] => ["nodeRedis", nodeRedis as Open, ...row]),
];

it.each(cases)("%s refuses %3$j at construction, and shows no secret", (_, open, given, option, says) => {
  const error = thrownBy(() => open(given as never));
  expect(error).toBeInstanceOf(OptionError);
  expect(error.message).toMatch(says);
  if (option !== "redis") expect(error).toMatchObject({ option });
  expect(`${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}`).not.toContain(secret);
});

it("a Redis of @upstash/redis without address or token is refused", () => {
  const warn = console.warn;
  console.warn = () => undefined;
  try {
    expect(() => upstash(new Redis({ url: undefined, token: undefined }))).toThrow(OptionError);
    expect(() => upstash(new Redis({ url, token: undefined }))).toThrow(OptionError);
  } finally {
    console.warn = warn;
  }
});

it("an instance whose keys are renamed is refused", () => {
  expect(() => ioredis(new Ioredis({ lazyConnect: true, keyPrefix: "p:" }))).toThrow(/keyPrefix/);
  expect(() => nodeRedis(createClient({ keyPrefix: "p:" }) as never)).toThrow(/keyPrefix/);
});

function thrownBy(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error("It was taken.");
}
