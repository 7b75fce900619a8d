// A Vercel Function: vercel.json calls it each minute by GET, QStash goes on with what one call leaves by POST. In a project
// of your own the imports are "spillway", "spillway/fetch", "spillway/qstash" and "spillway/upstash".
import { fetchHandler, vercelContext } from "../../../adapters/hosts/fetch/index.ts";
import { qstash, qstashReceiver } from "../../../adapters/qstash/index.ts";
import { upstash } from "../../../adapters/redis/upstash.ts";
import { createDrain } from "../../../src/index.ts";
import { deliver, environment, logReport } from "../../deliver.ts";

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
  continuation: qstash({ url, token: environment("QSTASH_TOKEN"), ...(baseUrl ? { baseUrl } : {}) }),
});

const handle = fetchHandler(drain, {
  basePath: "/api",
  cronPath: "/api/drain",
  cronSecret: environment("CRON_SECRET"),
  qstash: qstashReceiver({
    currentSigningKey: environment("QSTASH_CURRENT_SIGNING_KEY"),
    nextSigningKey: environment("QSTASH_NEXT_SIGNING_KEY"),
  }),
  // 300 s is the maxDuration in vercel.json; what is left over is for the last settle and the continuation.
  budgetMs: 290_000,
  onReport: logReport,
});

export const GET = (request: Request): Promise<Response> => handle(request, vercelContext());
export const POST = (request: Request): Promise<Response> => handle(request, vercelContext());
