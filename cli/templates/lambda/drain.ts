import { createDrain } from "spillway";
import { lambdaContinuation, lambdaHandler, parameters } from "spillway/lambda";
import { upstash } from "spillway/upstash";
import work from "./handler.ts";

/** The function's entry. The environment holds the names of two parameters, and never a secret. */
export const handler = lambdaHandler(async () => {
  const { REDIS_URL_PARAMETER, REDIS_TOKEN_PARAMETER } = process.env;
  const [url, token] = await parameters([REDIS_URL_PARAMETER, REDIS_TOKEN_PARAMETER]);
  return createDrain({
    redis: upstash({ url, token }),
    list: "emails",
    handler: work,
    continuation: lambdaContinuation(),
  });
});
