import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { qstashContinuation, qstashReceiver } from "../../adapters/continue/qstash/index.ts";
import {
  memoryNonces,
  redisNonces,
  signedContinuation,
  signedReceiver,
} from "../../adapters/continue/signed/index.ts";
import { cloudflareHandler, serviceBindingContinuation } from "../../adapters/hosts/cloudflare/index.ts";
import { fetchHandler } from "../../adapters/hosts/fetch/index.ts";
import { lambdaContinuation, lambdaHandler } from "../../adapters/hosts/lambda/index.ts";
import { startServer } from "../../adapters/hosts/node/server.ts";
import { createHttpApp } from "../../adapters/http/app.ts";
import { type Drain, OptionError } from "../../src/index.ts";

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
  qstashContinuation: (given) => qstashContinuation({ url, token: secret, ...given }),
  qstashReceiver: (given) => qstashReceiver({ currentSigningKey: secret, nextSigningKey: secret, ...given }),
};

const noTimes = [Number.NaN, Number.POSITIVE_INFINITY, -1, 1.5, 1e21, "5", null, {}, 10n];
const noSecrets = ["", `${secret}\n`, ` ${secret}`, `${secret}\t`, 7, null, { secret }];

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
  ["signedContinuation", "url", ["", "drain", "ftp://x", `https://u:${secret}@x`, null, {}]],
  ["signedContinuation", "keys", [[], ["short"], [`${secret}\n`], [` ${secret}`], secret, null]],
  ["signedContinuation", "ttlMs", [...noTimes, 0, 86_400_001]],
  ["signedContinuation", "maxHops", noTimes],
  [
    "signedContinuation",
    "headers",
    [{ "a b": secret }, { a: `${secret}\n\nb` }, { a: "\u{1f600}" }, null, secret],
  ],
  ["signedReceiver", "keys", [[], ["short"], [secret, `${secret}\n`], secret, null]],
  ["signedReceiver", "clockSkewMs", [...noTimes, 3_600_001]],
  ["signedReceiver", "ttlMsMax", [...noTimes, 86_400_001]],
  ["signedReceiver", "nonces", [null, {}, new Map()]],
  ["memoryNonces", "countMax", [...noTimes, 0]],
  ["redisNonces", "prefix", ["", null, 7]],
  ["qstashContinuation", "url", ["", "drain", ` ${url}`, `${url}\n`, "ftp://x", null, {}]],
  ["qstashContinuation", "baseUrl", ["", "qstash.upstash.io", "https://x y", null, {}]],
  ["qstashContinuation", "token", noSecrets],
  ["qstashContinuation", "retries", noTimes],
  ["qstashContinuation", "maxHops", noTimes],
  ["qstashReceiver", "currentSigningKey", [...noSecrets, undefined]],
  ["qstashReceiver", "nextSigningKey", [...noSecrets, undefined]],
  ["qstashReceiver", "clockSkewMs", [...noTimes, 3_600_001]],
  ["qstashReceiver", "url", ["", "drain", ` ${url}`, `${url}\n`, "ftp://x", null, 7, [], {}, new Date(0)]],
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
])("%s refuses what it cannot work with in the place of what it is about", async (_name, make) => {
  for (const given of [null, undefined, {}, secret, [drain]]) {
    const error = await failureOf(() => make(given as never));
    expect(error).toBeInstanceOf(OptionError);
    expect(inspect(error)).not.toContain(secret);
  }
});
