// In a project of your own the imports are "spillway", "spillway/signed" and "spillway/upstash".
import { upstash } from "../../adapters/redis/upstash.ts";
import { signedCalls } from "../../adapters/signed/index.ts";
import { createDrain } from "../../src/index.ts";
import { deliver, environment } from "../deliver.ts";

export const redis = upstash({
  url: environment("UPSTASH_REDIS_REST_URL"),
  token: environment("UPSTASH_REDIS_REST_TOKEN"),
});

/** The first signs; a second one still counts while keys are rotated. */
export const keys = environment("DRAIN_KEYS").split(",");

export const hopPath = "/.netlify/functions/drain-background";

/** What the schedule does not finish, the background function goes on with, in hops of up to 15 minutes. */
export const drain = createDrain({
  redis,
  list: "webhooks",
  handler: deliver,
  continuation: signedCalls({ url: `${environment("URL")}${hopPath}`, keys }),
});
