import { createDrain, type Message } from "spillway";
import { fetchHandler, vercelContext } from "spillway/fetch";
import { upstash } from "spillway/upstash";

const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, CRON_SECRET } = process.env;
// Without the secret nobody may start a drain.
if (!CRON_SECRET) throw new Error("Set the environment variable CRON_SECRET.");

const drain = createDrain({ redis: upstash({ url, token }), list: "emails", handler, reserveMs: 5_000 });
const handle = fetchHandler(drain, {
  basePath: "/api",
  cronPath: "/api/drain",
  cronSecret: CRON_SECRET,
  // 300 s is the maxDuration in vercel.json, counted from before this code begins.
  budgetMs: 290_000,
});

/** Called each minute, as vercel.json says; on the Hobby plan write "0 5 * * *" there. */
export const GET = (request: Request): Promise<Response> => handle(request, vercelContext());

/** Your work on one message. If it throws, the message is tried again later. */
async function handler(message: Message): Promise<void> {
  console.log(`Handled ${message.id} (attempt ${message.attempt}, ${message.bytes.length} bytes)`);
}
