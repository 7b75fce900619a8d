/**
 * An app that uses every entry of the package. It is checked and run in an empty folder, where the package stands as npm
 * would publish it, beside the oldest version of everything that it may be installed with. The Redis is at `REDIS_URL`.
 */
import { deepStrictEqual, strictEqual } from "node:assert";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { type Tracer, type TracerProvider, trace } from "@opentelemetry/api";
import { Redis as UpstashRedis } from "@upstash/redis";
import { Hono } from "hono";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { createDrain, type Drain, type RedisClient } from "spillway";
import * as cdk from "spillway/cdk";
import * as cloudflare from "spillway/cloudflare";
import { fetchHandler } from "spillway/fetch";
import { createHttpApp } from "spillway/http";
import { ioredis } from "spillway/ioredis";
import { lambdaContinuation, lambdaHandler } from "spillway/lambda";
import { createRestApp, redisBackend, startRestServer } from "spillway/local";
import * as logging from "spillway/logging";
import { startServer } from "spillway/node";
import { nodeRedis } from "spillway/node-redis";
import { openTelemetry } from "spillway/opentelemetry";
import * as qstash from "spillway/qstash";
import * as signed from "spillway/signed";
import { createTestDrain } from "spillway/testing";
import { dashboard } from "spillway/ui";
import { upstash } from "spillway/upstash";
import { upstash as upstashFetch } from "spillway/upstash-fetch";

const url = process.env.REDIS_URL ?? "";
const token = "a-token-for-tests-only";
const backend = redisBackend({ url });
const rest = await startRestServer({ port: 0, token, backend });
const theirs = new Redis(url, { lazyConnect: true });

const clients: Record<string, RedisClient> = {
  upstash: upstash({ url: rest.url, token }),
  "upstash of one's own": upstash(new UpstashRedis({ url: rest.url, token })),
  "upstash-fetch": upstashFetch({ url: rest.url, token }),
  ioredis: ioredis({ url }),
  "ioredis of one's own": ioredis(theirs),
  redis: nodeRedis({ url }),
  "redis of one's own": nodeRedis(createClient({ url })),
};

function drainOf(name: string, redis: RedisClient, seen: string[] = []): Drain {
  const handler = (message: { payload: string }): void => void seen.push(message.payload);
  return createDrain({ redis, list: `oldest ${name}`, batchSize: 2, handler });
}

for (const [name, redis] of Object.entries(clients)) {
  const seen: string[] = [];
  const drain = drainOf(name, redis, seen);
  await drain.push(['"one"', '"two"', '"\u{1F600}"']);
  const report = await drain.run({ budgetMs: 10_000 });
  deepStrictEqual([name, report.error, report.stopped, report.acked], [name, null, "empty", 3]);
  deepStrictEqual([name, seen], [name, ['"one"', '"two"', '"\u{1F600}"']]);
}

const drain = drainOf("hosts", backend);
const authorization = `Bearer ${token}`;

// One Hono: our routes are part of theirs, in their types too.
const app = new Hono();
app.route("/queue", createHttpApp(drain, { token }));
const restApp = createRestApp({ backend, token });
strictEqual((await app.request("/queue/stats", { headers: { authorization } })).status, 200);
strictEqual((await restApp.request("/llen/emails", { headers: { authorization } })).status, 200);

const handle = fetchHandler(drain, { token });
strictEqual((await handle(new Request("https://host/health"))).status, 200);

// The API alone, which records nothing: what is begun with it is written down here.
const spans: string[] = [];
const tracerProvider: TracerProvider = {
  getTracer: (name): Tracer => ({
    startSpan: (title, ...more) => {
      spans.push(title);
      return trace.getTracer(name).startSpan(title, ...more);
    },
    startActiveSpan: trace.getTracer(name).startActiveSpan,
  }),
};
const watched = createDrain({
  redis: backend,
  list: "oldest telemetry",
  telemetry: openTelemetry({ tracerProvider }),
  handler: () => undefined,
});
await watched.push("one");
strictEqual((await watched.run()).acked, 1);
const wanted = ["send", "drain", "receive", "process", "settle"].map((verb) => `${verb} oldest telemetry`);
deepStrictEqual(new Set(spans), new Set(wanted));

const kit = createTestDrain({ handler: () => undefined });
await kit.push({ n: 1 });
strictEqual((await kit.drainUntilEmpty()).acked, 1);

const paged = createHttpApp(drain, { token, routes: [dashboard()] });
strictEqual((await paged.request("/ui")).status, 200);

const continuation = lambdaContinuation({
  client: new LambdaClient({ region: "eu-central-1", maxAttempts: 1 }),
});
strictEqual(continuation.name, "lambda");
strictEqual(typeof lambdaHandler(drain), "function");

const server = await startServer(drain, { token, port: 0, cron: "0 0 1 1 *" });
strictEqual((await server.tick())?.stopped, "empty");
strictEqual((await fetch(`${server.url}/health`)).status, 200);
await server.stop();

for (const entry of [cdk, cloudflare, logging, qstash, signed])
  strictEqual(Object.keys(entry).length > 0, true);

for (const redis of Object.values(clients)) await redis.close();
theirs.disconnect();
await rest.close();
console.log("Every entry works.");
