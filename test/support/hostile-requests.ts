import { expect } from "vitest";
import { memoryNonces, signedReceiver, signRequest } from "../../adapters/continue/signed/index.ts";
import { type HttpAppOptions, operations } from "../../adapters/http/index.ts";
import { memory } from "../../adapters/local/memory.ts";
import { createDrain, type Drain, writeHop } from "../../src/index.ts";
import { seeded } from "../prove/random.ts";
import { faultyClient } from "./faulty-client.ts";
import { MemoryConnection } from "./memory-connection.ts";
import { SideDoor } from "./side-door.ts";

/** A request that must be refused. `isForged`: whoever sends it has no right, so it must not even reach Redis. */
export interface HostileRequest {
  readonly isForged: boolean;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array<ArrayBuffer> | undefined;
}

const payload = "a payload that nobody may see";
const key = "the-key-of-this-deployment-0123456789";
const secrets = { operate: "operates-4f1c", read: "reads-9b22", wake: "wakes-77aa" };

const reads = [
  "/stats",
  "/lists",
  "/messages",
  "/leases",
  "/dead-letters",
  "/dead-letters/x.1.1",
  "/limits",
  "/metrics",
  "/events",
  "/health/ready",
  "/access",
  "/openapi.json",
];
const writes: readonly (readonly [method: string, path: string])[] = [
  ["POST", "/drain"],
  ["POST", "/messages"],
  ["POST", "/dead-letters/redrive"],
  ["POST", "/dead-letters/purge"],
  ["POST", "/recover"],
  ["POST", "/pause"],
  ["POST", "/resume"],
  ["PUT", "/limits"],
  ["DELETE", "/limits"],
];
const methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"];
const elsewhere = [
  "/",
  "//drain",
  "/drain/",
  "/%64rain%00",
  "/..%2fstats",
  "/admin",
  "/.env",
  "/ui/..%2flists",
  "/dead-letters/a/b",
];

/** Bodies that no route takes. Add a row for what has been met. */
const bodies: readonly ((random: () => number) => string | Uint8Array<ArrayBuffer>)[] = [
  () => "{",
  () => "null",
  () => "[]",
  () => "1e21",
  () => '"text"',
  () => '{"no-such-name":1}',
  () => '{"__proto__":{"all":true},"x":1}',
  () => '{"constructor":{"prototype":{"all":true}}}',
  () => `${"[".repeat(5_000)}${"]".repeat(5_000)}`,
  () => `{"where":{"text":{"$ne":null}},"messages":{},"budgetMs":"1"}`,
  () => '{"messages":[1e400],"max":-1,"budgetMs":-1}',
  () => '{"messages":[{"payload":"a","payload2":"b"}],"dryRun":"no","budgetMs":1e99}',
  () => `{"x":"${"y".repeat(1_100_000)}"}`,
  (random) =>
    Uint8Array.from({ length: 1 + Math.floor(random() * 200) }, () => 128 + Math.floor(random() * 128)),
];
/** Queries that no route takes. */
const queries = [
  "?no-such-name=1",
  "?list=another",
  "?list=mail&list=mail",
  "?list[]=mail",
  "?count=1e21&max=NaN",
  "?count=-1&max=0",
  "?place=%00&since=-1",
  "?__proto__=1",
  `?token=${secrets.operate}`,
];
const types = [
  "application/json",
  "application/json; charset=utf-16",
  "text/plain",
  "application/x-www-form-urlencoded",
  "",
];

/** As many requests as wanted, the same ones for the same seed. `replayed` is one that was taken once. */
export function* hostileRequests(
  count: number,
  seed: number,
  replayed: HostileRequest,
): Generator<HostileRequest> {
  const random = seeded(seed);
  const pick = <Value>(values: readonly Value[]): Value =>
    values[Math.floor(random() * values.length)] as Value;
  const wrong: readonly (() => Record<string, string>)[] = [
    () => ({}),
    () => ({ authorization: "" }),
    () => ({ authorization: "Bearer" }),
    () => ({ authorization: "Bearer undefined" }),
    () => ({ authorization: `Bearer ${secrets.operate.slice(0, -1)}` }),
    () => ({ authorization: `Bearer ${secrets.operate}x` }),
    () => ({ authorization: `Bearer ${secrets.operate.toUpperCase()}` }),
    () => ({ authorization: `Basic ${btoa(`operate:${secrets.operate}`)}` }),
    () => ({ authorization: secrets.operate }),
    () => ({ cookie: `token=${secrets.operate}`, "x-api-key": secrets.operate }),
    () => ({ authorization: `Bearer ${"a".repeat(6_000)}` }),
    () => ({ authorization: `Bearer ${Math.floor(random() * 1e12).toString(36)}` }),
    () => ({ "x-http-method-override": "DELETE", "x-original-url": "/dead-letters/purge" }),
  ];
  const withBody = (method: string): Pick<HostileRequest, "body" | "headers"> => {
    if (method === "GET" || random() < 0.3) return { body: undefined, headers: {} };
    return { body: pick(bodies)(random), headers: { "content-type": pick(types) } };
  };
  const kinds: readonly (() => HostileRequest)[] = [
    // Without a right.
    () => {
      const [method, path] = random() < 0.5 ? pick(writes) : (["GET", pick(reads)] as const);
      const { body, headers } = withBody(method);
      return {
        isForged: true,
        method,
        path: path + pick(["", ...queries]),
        headers: { ...headers, ...pick(wrong)() },
        body,
      };
    },
    // With too little right.
    () => {
      const [method, path] = pick(writes);
      const authorization = `Bearer ${path === "/drain" ? secrets.wake : pick([secrets.read, secrets.wake])}`;
      const { body, headers } = withBody(method);
      return { isForged: true, method, path, headers: { ...headers, authorization }, body };
    },
    // Once more.
    () => replayed,
    () => ({ ...replayed, body: pick(bodies)(random) }),
    // By whoever may, and malformed.
    () => {
      const [method, path] = pick(writes);
      const authorization = `Bearer ${secrets.operate}`;
      return {
        isForged: false,
        method,
        path: `${path}${path === "/drain" ? "" : pick(["", ...queries])}`,
        headers: { authorization, "content-type": pick(types) },
        body: pick(bodies)(random),
      };
    },
    () => ({
      isForged: false,
      method: "GET",
      path: `${pick(reads.filter((path) => path !== "/stats" && path !== "/access"))}${pick(queries)}`,
      headers: { authorization: `Bearer ${secrets.operate}` },
      body: undefined,
    }),
    // What is not there.
    () => {
      const method = pick(methods);
      const { body, headers } = withBody(method);
      const authorization = pick([`Bearer ${secrets.operate}`, "Bearer x", ""]);
      return { isForged: true, method, path: pick(elsewhere), headers: { ...headers, authorization }, body };
    },
  ];
  for (let at = 0; at < count; at++) yield pick(kinds)();
}

/** A drain with messages, dead letters and every route, whose Redis tells what it was asked. */
export async function targetOfRequests(): Promise<{
  readonly drain: Drain;
  readonly options: HttpAppOptions;
  readonly door: SideDoor;
  /** A signed hop to a host there, which is taken once. */
  hopTo(url: string): Promise<HostileRequest>;
  /** Requests that Redis has had. */
  sentCount(): number;
}> {
  const store = memory();
  const redis = faultyClient(store, () => "none");
  const drain = createDrain({
    redis,
    list: "mail",
    maxAttempts: 1,
    handler: () => {
      throw new Error(payload);
    },
  });
  await drain.push([payload, "another"]);
  await drain.run();
  await drain.push(payload);
  await drain.pause();
  return {
    drain,
    options: {
      wakeToken: secrets.wake,
      tokens: [
        { token: secrets.operate, scopes: ["operate"] },
        { token: secrets.read, scopes: ["read"] },
      ],
      routes: [operations()],
      receiveHop: signedReceiver({ keys: [key], nonces: memoryNonces() }),
    },
    door: new SideDoor(() => new MemoryConnection(store)),
    async hopTo(url) {
      const body = JSON.stringify(writeHop({ list: "mail", chain: { id: "c", hop: 1 } }));
      const headers = await signRequest({ method: "POST", url: `${url}/drain`, body }, { key });
      return { isForged: true, method: "POST", path: "/drain", headers, body };
    },
    sentCount: () => redis.sent.length,
  };
}

/** Expects that an answer lets nobody in, and tells nothing. */
export async function expectRefusal(asked: HostileRequest, answer: Response): Promise<void> {
  const text = await answer.text();
  const what = `${asked.method} ${asked.path} ${JSON.stringify(asked.headers)} ${String(asked.body).slice(0, 60)}: ${answer.status} ${text.slice(0, 200)}`;
  expect([400, 401, 403, 404, 405, 413, 415, 429], what).toContain(answer.status);
  if (asked.method !== "HEAD") {
    expect(answer.headers.get("content-type"), what).toBe("application/problem+json");
    expect(JSON.parse(text), what).toMatchObject({ status: answer.status, detail: expect.any(String) });
  }
  for (const secret of [...Object.values(secrets), key, payload])
    expect(text.includes(secret), what).toBe(false);
  expect(text, what).not.toMatch(/\n\s+at |node_modules|\.ts:\d|file:\/\//);
}
