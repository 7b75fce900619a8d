// The schedule calls GET /api/drain. While messages are left, QStash calls POST /api/drain. GET /api/stats and /api/health only look.
import { createDrain, type Drain, type Message } from "spillway";
import { fetchHandler, vercelContext } from "spillway/fetch";
import { qstashContinuation, qstashReceiver } from "spillway/qstash";
import { upstash } from "spillway/upstash";

export const dynamic = "force-dynamic";
export const maxDuration = 300;

interface Order {
  readonly id: number;
}

let handle: ReturnType<typeof fetchHandler> | undefined;

export const GET = (request: Request): Promise<Response> => answer(request);
export const POST = (request: Request): Promise<Response> => answer(request);

function answer(request: Request): Promise<Response> {
  handle ??= openHandler();
  return handle(request, vercelContext());
}

/** Called at the first request: `next build` looks at the route too, and has no secrets. */
function openHandler(): ReturnType<typeof fetchHandler> {
  return fetchHandler(openDrain(), {
    basePath: "/api",
    cronPath: "/api/drain",
    cronSecret: environment("CRON_SECRET"),
    token: environment("DRAIN_TOKEN"),
    receiveHop: qstashReceiver({
      currentSigningKey: environment("QSTASH_CURRENT_SIGNING_KEY"),
      nextSigningKey: environment("QSTASH_NEXT_SIGNING_KEY"),
    }),
    // 300 s is maxDuration, counted from before this code begins.
    budgetMs: 290_000,
  });
}

function openDrain(): Drain {
  const { DRAIN_URL, VERCEL_PROJECT_PRODUCTION_URL, QSTASH_URL } = process.env;
  // The production domain: that of one deployment is protected, and QStash could not call it.
  const url = DRAIN_URL ?? `https://${VERCEL_PROJECT_PRODUCTION_URL}/api/drain`;
  return createDrain<Order>({
    redis: upstash({
      url: environment("UPSTASH_REDIS_REST_URL"),
      token: environment("UPSTASH_REDIS_REST_TOKEN"),
    }),
    list: "orders",
    handler: confirm,
    // The last 5 s of each budget are for the last settle, and for calling the next drain, which may need a new connection.
    reserveMs: 5_000,
    continuation: qstashContinuation({
      url,
      token: environment("QSTASH_TOKEN"),
      ...(QSTASH_URL ? { baseUrl: QSTASH_URL } : {}),
    }),
  });
}

/** Your work on one message. If it throws, the message is tried again later. */
async function confirm({ value, id }: Message<Order>): Promise<void> {
  console.log(`Confirmed order ${value.id} (message ${id})`);
}

/** A variable that must be set: if it is missing, the first request fails, and not a message. */
function environment(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`Set the environment variable ${name}.`);
  return value;
}
