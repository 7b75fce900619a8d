import { createDrain } from "spillway";
import { startServer } from "spillway/node";
import { upstash } from "spillway/upstash";
import handler from "./handler.ts";

const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, DRAIN_TOKEN, PORT } = process.env;
const drain = createDrain({ redis: upstash({ url, token }), list: "emails", handler });
const server = await startServer(drain, {
  token: DRAIN_TOKEN || undefined,
  cron: "* * * * *",
  port: Number(PORT || 8080),
});
console.log(`Draining each minute; on demand by POST ${server.url}/drain.`);
