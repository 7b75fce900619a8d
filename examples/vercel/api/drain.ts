// A Vercel Function. The schedule in vercel.json calls it each minute by GET. While messages are left, QStash calls it again by POST.
import { type ChainPosition, createDrain, type DrainReport, type Message, NonRetryableError } from "spillway";
import { fetchHandler, vercelContext } from "spillway/fetch";
import { reportAsJson } from "spillway/http";
import { qstashContinuation, qstashReceiver } from "spillway/qstash";
import { upstash } from "spillway/upstash";

const deliverTo = environment("DELIVER_TO");
// The production domain: that of one deployment is protected, and QStash could not call it.
const url = process.env.DRAIN_URL ?? `https://${process.env.VERCEL_PROJECT_PRODUCTION_URL}/api/drain`;
const baseUrl = process.env.QSTASH_URL;
const drain = createDrain({
  redis: upstash({
    url: environment("UPSTASH_REDIS_REST_URL"),
    token: environment("UPSTASH_REDIS_REST_TOKEN"),
  }),
  list: "webhooks",
  handler: deliver,
  // The last 5 s of each budget are for the last settle, and for calling the next drain, which may need a new connection.
  reserveMs: 5_000,
  continuation: qstashContinuation({
    url,
    token: environment("QSTASH_TOKEN"),
    ...(baseUrl ? { baseUrl } : {}),
  }),
});

const handle = fetchHandler(drain, {
  basePath: "/api",
  cronPath: "/api/drain",
  cronSecret: environment("CRON_SECRET"),
  receiveHop: qstashReceiver({
    currentSigningKey: environment("QSTASH_CURRENT_SIGNING_KEY"),
    nextSigningKey: environment("QSTASH_NEXT_SIGNING_KEY"),
  }),
  // 300 s is the maxDuration in vercel.json, counted from before this code begins.
  budgetMs: 290_000,
  onReport: logReport,
});

export const GET = (request: Request): Promise<Response> => handle(request, vercelContext());
export const POST = (request: Request): Promise<Response> => handle(request, vercelContext());

/** Your work goes here. This one posts each message to the URL in `DELIVER_TO`. */
async function deliver({ payload, id, signal }: Message): Promise<void> {
  const response = await fetch(deliverTo, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": id },
    body: payload,
    signal,
  });
  await response.body?.cancel();
  // With such a status the receiver will refuse the message again. Anything else is worth another attempt.
  const isFinal = response.status >= 400 && response.status < 500 && response.status !== 429;
  if (isFinal) throw new NonRetryableError(`The receiver answered with ${response.status}.`);
  if (!response.ok) throw new Error(`The receiver answered with ${response.status}.`);
}

/** A variable that must be set: a missing secret is found when the function starts, not when it is used. */
function environment(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`Set the environment variable ${name}.`);
  return value;
}

function logReport(report: DrainReport, chain: ChainPosition): void {
  console.log(JSON.stringify({ ...reportAsJson(report), chainId: chain.id, hop: chain.hop }));
}
