import { cloudflareHandler } from "spillway/cloudflare";
import { upstash } from "spillway/upstash-fetch";

interface Env {
  readonly LIST: string;
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
}

const { DrainChain, ...handlers } = cloudflareHandler(
  (env: Env) => ({
    redis: upstash({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
    list: env.LIST,
    handlerTimeoutMs: 10_000,
    // Put your work here. A message whose handler throws is tried again later.
    handler: async (message) => {
      console.log(JSON.stringify({ id: message.id, attempt: message.attempt, bytes: message.bytes.length }));
    },
  }),
  // "paid" for 10,000 subrequests an invocation in place of 50.
  { plan: "free" },
);

export { DrainChain };
export default handlers;
