import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { qstashContinuation, qstashReceiver } from "../../adapters/continue/qstash/index.ts";
import {
  memoryNonces,
  redisNonces,
  signedContinuation,
  signedReceiver,
  signRequest,
} from "../../adapters/continue/signed/index.ts";
import {
  alarmContinuation,
  cloudflareHandler,
  queueContinuation,
  serviceBindingContinuation,
} from "../../adapters/hosts/cloudflare/index.ts";
import { fetchHandler } from "../../adapters/hosts/fetch/index.ts";
import { lambdaContinuation, lambdaHandler } from "../../adapters/hosts/lambda/index.ts";
import { startServer, startWorker } from "../../adapters/hosts/node/server.ts";
import { createHttpApp } from "../../adapters/http/app.ts";
import { type Drain, OptionError } from "../../src/index.ts";
import { lyingError, revoked, unreadable } from "../support/hostile-values.ts";

const secret = "hunter2hunter2hunter2hunter2hunter2";
const url = "https://drain.example/drain";
const drain = { list: "mail", run: async () => ({}) } as unknown as Drain;

/** What is made of options, with good ones for all that a row does not name. */
const makers: Record<string, (given: object) => unknown> = {
  fetchHandler: (given) => fetchHandler(drain, given),
  lambdaHandler: (given) => lambdaHandler(drain, given),
  lambdaContinuation: (given) => lambdaContinuation(given),
  startServer: (given) => startServer(drain, { port: 0, ...given }),
  createHttpApp: (given) => createHttpApp(drain, given),
  cloudflareHandler: (given) => cloudflareHandler(() => ({}) as never, given),
  serviceBindingContinuation: (given) => serviceBindingContinuation(() => undefined, given),
  signedContinuation: (given) => signedContinuation({ url, keys: [secret], ...given }),
  signedReceiver: (given) => signedReceiver({ keys: [secret], nonces: memoryNonces(), ...given }),
  memoryNonces: (given) => memoryNonces(given),
  redisNonces: (given) => redisNonces({ command: async () => null } as never, given),
  signRequest: (given) => signRequest({ method: "POST", url }, { key: secret, ...given }),
  qstashContinuation: (given) => qstashContinuation({ url, token: secret, ...given }),
  qstashReceiver: (given) => qstashReceiver({ currentSigningKey: secret, nextSigningKey: secret, ...given }),
};

const toThrow = {
  toString: (): never => {
    throw new Error("Not to be read.");
  },
};
const noUrls = [
  "",
  "drain",
  "ftp://x",
  `https://u:${secret}@x`,
  null,
  {},
  toThrow,
  [toThrow],
  lyingError("name"),
];
const noTimes = [Number.NaN, Number.POSITIVE_INFINITY, -1, 1.5, 1e21, "5", null, {}, 10n];
const noSecrets = [
  "",
  `${secret}\n`,
  `${secret}ä`,
  `${secret}€`,
  `${secret}\u0000`,
  ` ${secret}`,
  `${secret}\t`,
  7,
  null,
  { secret },
];

/** An option, and values that cannot work. Add a row for what has been met. */
const rows: readonly (readonly [maker: string, option: string, values: readonly unknown[]])[] = [
  ["fetchHandler", "budgetMs", [...noTimes, 0, 86_400_001]],
  ["fetchHandler", "token", noSecrets],
  ["fetchHandler", "wakeToken", noSecrets],
  ["fetchHandler", "cronSecret", noSecrets],
  ["fetchHandler", "hopPath", ["", "hops", "/:any", "/a*", "/a b", "/a?b", "/a\n"]],
  ["fetchHandler", "receiveHop", [null, {}, "signed"]],
  ["fetchHandler", "onReport", [null, {}, "log"]],
  ["fetchHandler", "signal", [null, {}, new AbortController()]],
  ["lambdaHandler", "budgetMs", [...noTimes, 0, 86_400_001]],
  ["lambdaHandler", "marginMs", noTimes],
  ["lambdaHandler", "token", noSecrets],
  ["lambdaHandler", "wakeToken", noSecrets],
  ["lambdaHandler", "metrics", [null, true, "Spillway"]],
  ["lambdaContinuation", "maxHops", noTimes],
  ["lambdaContinuation", "recursiveLoop", ["allow", null, true]],
  ["lambdaContinuation", "client", [null, {}, "client"]],
  ["startServer", "budgetMs", [...noTimes, 0, 86_400_001]],
  ["startServer", "graceMs", [...noTimes, 86_400_001]],
  ["startServer", "port", [...noTimes, 65_536]],
  ["startServer", "token", noSecrets],
  ["startServer", "wakeToken", noSecrets],
  ["startServer", "stopsBySignal", ["false", 0, null]],
  ["startServer", "cron", ["", "every minute", 60, "99 * * * *"]],
  ["createHttpApp", "budgetMs", [...noTimes, 0, 86_400_001]],
  ["createHttpApp", "token", noSecrets],
  ["createHttpApp", "wakeToken", noSecrets],
  ["cloudflareHandler", "cpuMs", [...noTimes, 0, 86_400_001]],
  ["cloudflareHandler", "marginMs", noTimes],
  ["cloudflareHandler", "requestsMax", [...noTimes, 11]],
  ["cloudflareHandler", "requestsPerMessage", [...noTimes, 38]],
  ["cloudflareHandler", "plan", ["Free", null, true]],
  ["cloudflareHandler", "token", noSecrets],
  ["cloudflareHandler", "wakeToken", noSecrets],
  ["serviceBindingContinuation", "maxHops", [...noTimes, 17]],
  ["signedContinuation", "url", noUrls],
  ["signedContinuation", "keys", [[], ["short"], [`${secret}\n`], [` ${secret}`], secret, null]],
  ["signedContinuation", "ttlMs", [...noTimes, 0, 86_400_001]],
  ["signedContinuation", "maxHops", noTimes],
  [
    "signedContinuation",
    "headers",
    [
      { "a b": secret },
      { a: `${secret}\n\nb` },
      { a: "\u{1f600}" },
      null,
      secret,
      () => ({}),
      Promise.resolve({}),
    ],
  ],
  ["signRequest", "key", [null, 7, "short", `${secret}\n`, [secret]]],
  ["signRequest", "now", noTimes],
  ["signRequest", "ttlMs", [...noTimes, 0, 86_400_001, secret]],
  [
    "signRequest",
    "nonce",
    ["", "short", "no spaces in it please", "n".repeat(65), null, 7, 10n, Symbol("n")],
  ],
  ["signedReceiver", "keys", [[], ["short"], [secret, `${secret}\n`], secret, null]],
  ["signedReceiver", "clockSkewMs", [...noTimes, 3_600_001]],
  ["signedReceiver", "ttlMsMax", [...noTimes, 86_400_001]],
  ["signedReceiver", "nonces", [null, {}, new Map()]],
  ["memoryNonces", "countMax", [...noTimes, 0]],
  ["redisNonces", "prefix", ["", null, 7]],
  ["qstashContinuation", "url", [...noUrls, ` ${url}`, `${url}\n`]],
  [
    "qstashContinuation",
    "baseUrl",
    ["", "qstash.upstash.io", "https://x y", `https://u:${secret}@x`, null, {}],
  ],
  ["qstashContinuation", "token", noSecrets],
  ["qstashContinuation", "retries", noTimes],
  ["qstashContinuation", "maxHops", noTimes],
  ["qstashReceiver", "currentSigningKey", [...noSecrets, undefined]],
  ["qstashReceiver", "nextSigningKey", [...noSecrets, undefined]],
  ["qstashReceiver", "clockSkewMs", [...noTimes, 3_600_001]],
  ["qstashReceiver", "url", [...noUrls, ` ${url}`, `${url}\n`, 7, [], new Date(0)]],
  ...["hopPath", "cronPath", "basePath"].map((option) => ["fetchHandler", option, [secret]] as const),
  ["fetchHandler", "routes", [secret]],
  ["fetchHandler", "budgetMs", [secret]],
  ["lambdaHandler", "metrics", [secret]],
  ...Object.keys(makers).map((maker) => [maker, "tokens", [secret]] as const),
];

const failureOf = async (make: () => unknown): Promise<unknown> => {
  try {
    await make();
    return null;
  } catch (error) {
    return error;
  }
};

describe.each(rows)("%s refuses as its %s", (maker, option, values) => {
  it.each(values.map((value) => [inspect(value), value]))(
    "%s, and shows no secret",
    async (_shown, value) => {
      const error = await failureOf(() => makers[maker]?.({ [option]: value }));
      expect(error).toBeInstanceOf(OptionError);
      expect((error as OptionError).option).toBe(option);
      expect(inspect(error)).not.toContain(secret);
    },
  );
});

it.each(Object.keys(makers))("%s takes what is good", async (maker) => {
  const made = await makers[maker]?.({});
  await (made as { stop?(): Promise<void> }).stop?.();
});

it.each<[string, (given: never) => unknown]>([
  ["fetchHandler", (given) => fetchHandler(given)],
  ["lambdaHandler", (given) => lambdaHandler(given)],
  ["startServer", (given) => startServer(given)],
  ["createHttpApp", (given) => createHttpApp(given)],
  ["cloudflareHandler", (given) => cloudflareHandler(given)],
  ["redisNonces", (given) => redisNonces(given)],
  ["queueContinuation", (given) => queueContinuation(given)],
  ["serviceBindingContinuation", (given) => serviceBindingContinuation(given)],
])("%s refuses what it cannot work with in the place of what it is about", async (_name, make) => {
  for (const given of [null, undefined, {}, secret, [drain]]) {
    const error = await failureOf(() => make(given as never));
    expect(error).toBeInstanceOf(OptionError);
    expect(inspect(error)).not.toContain(secret);
  }
});

it("alarmContinuation refuses a binding in the place of the function that picks it", () => {
  for (const given of [null, "DRAIN_CHAIN", { idFromName: () => null, get: () => null }])
    expect(() => alarmContinuation(given as never)).toThrow(OptionError);
});

const takers: readonly (readonly [name: string, take: (options: never) => unknown])[] = [
  ["fetchHandler", (options) => fetchHandler(drain, options)],
  ["lambdaHandler", (options) => lambdaHandler(drain, options)],
  ["lambdaContinuation", (options) => lambdaContinuation(options)],
  ["startServer", (options) => startServer(drain, options)],
  ["startWorker", (options) => startWorker(drain, options)],
  ["createHttpApp", (options) => createHttpApp(drain, options)],
  ["cloudflareHandler", (options) => cloudflareHandler(() => ({}) as never, options)],
  ["serviceBindingContinuation", (options) => serviceBindingContinuation(() => undefined, options)],
  ["signedContinuation", (options) => signedContinuation(options)],
  ["signedReceiver", (options) => signedReceiver(options)],
  ["signRequest", (options) => signRequest({ method: "POST", url }, options)],
  ["memoryNonces", (options) => memoryNonces(options)],
  ["qstashContinuation", (options) => qstashContinuation(options)],
  ["qstashReceiver", (options) => qstashReceiver(options)],
];
it.each(takers)(
  "%s refuses options that cannot be read, and waits for no promise in their place",
  async (_name, take) => {
    for (const make of [
      unreadable,
      revoked,
      () => Promise.reject(new Error("Nobody waits for it.")),
      () => null,
      () => secret,
    ]) {
      const error = await failureOf(() => take(make() as never));
      expect(error).toBeInstanceOf(OptionError);
      expect(inspect(error)).not.toContain(secret);
    }
  },
);
