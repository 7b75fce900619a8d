/** The function whose wake is measured: what it handles it notes in Redis. */
import { createDrain } from "spillway";
import { lambdaContinuation, lambdaHandler } from "spillway/lambda";
import { upstash } from "spillway/upstash";

const { REDIS_URL = "", REDIS_TOKEN = "", LIST = "" } = process.env;
const redis = upstash({ url: REDIS_URL, token: REDIS_TOKEN });
const drain = createDrain({
  redis,
  list: LIST,
  handler: async ({ payload }) => void (await redis.command(["RPUSH", `done-${LIST}`, payload])),
  continuation: lambdaContinuation(),
});

export const handler = lambdaHandler(drain, { wakeToken: REDIS_TOKEN });
