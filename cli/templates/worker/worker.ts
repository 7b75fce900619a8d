import { cloudflareHandler } from "spillway/cloudflare";
import { upstash } from "spillway/upstash-fetch";
import handler from "./handler.ts";

interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
}

const { DrainChain, ...handlers } = cloudflareHandler(
  (env: Env) => ({
    redis: upstash({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
    list: "emails",
    handlerTimeoutMs: 10_000,
    handler,
  }),
  // "paid" for 10,000 subrequests an invocation in place of 50.
  { plan: "free" },
);

export { DrainChain };
export default handlers;
