// A server on a machine of yours: `UPSTASH_REDIS_REST_URL=… UPSTASH_REDIS_REST_TOKEN=… DRAIN_TOKEN=… node examples/node-server.ts`
import { startServer } from "../adapters/hosts/node/server.ts";
import { upstash } from "../adapters/redis/upstash.ts";
import { createDrain } from "../src/index.ts";
import handler from "./webhook-handler.ts";

const env = process.env as Record<
  "UPSTASH_REDIS_REST_URL" | "UPSTASH_REDIS_REST_TOKEN" | "DRAIN_TOKEN",
  string
>;
const drain = createDrain({
  redis: upstash({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
  list: "webhooks",
  handler,
});
const server = await startServer(drain, { token: env.DRAIN_TOKEN, cron: "* * * * *" });
console.log(`Draining each minute; on demand at ${server.url}/drain.`);
