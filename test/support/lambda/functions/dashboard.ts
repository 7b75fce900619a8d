/** A function that serves the dashboard at its URL, as a user would write it; its bundle is made of the built package. */
import { createDrain } from "spillway";
import { operations } from "spillway/http";
import { lambdaHandler } from "spillway/lambda";
import { dashboard } from "spillway/ui";
import { upstash } from "spillway/upstash";

const { REDIS_URL = "", REDIS_TOKEN = "", LIST = "", OPERATE_TOKEN = "" } = process.env;

const drain = createDrain({
  redis: upstash({ url: REDIS_URL, token: REDIS_TOKEN }),
  list: LIST,
  maxAttempts: 1,
  handler: ({ payload }) => {
    if (payload.startsWith("bad")) throw new Error("smtp down");
  },
});

export const handler = lambdaHandler(drain, {
  tokens: [{ token: OPERATE_TOKEN, scopes: ["operate"] }],
  routes: [operations(), dashboard()],
});
