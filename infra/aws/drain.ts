/** The ready app's function. Replace `handle`, and deploy. */
import { createDrain, type Message } from "spillway";
import { lambdaContinuation, lambdaHandler, parameters } from "spillway/lambda";
import { upstash } from "spillway/upstash";

async function handle(message: Message): Promise<void> {
  console.log(`Handled ${message.id} (attempt ${message.attempt}, ${message.bytes.length} bytes)`);
}

export const handler = lambdaHandler(async () => {
  const {
    REDIS_URL_PARAMETER,
    REDIS_TOKEN_PARAMETER,
    SPILLWAY_LIST = "",
    SPILLWAY_MAX_CONCURRENCY,
  } = process.env;
  const [url, token] = await parameters([REDIS_URL_PARAMETER, REDIS_TOKEN_PARAMETER]);
  return createDrain({
    redis: upstash({ url, token }),
    list: SPILLWAY_LIST,
    handler: handle,
    maxConcurrency: Number(SPILLWAY_MAX_CONCURRENCY ?? 1),
    continuation: lambdaContinuation(),
  });
});
