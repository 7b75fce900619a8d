/** The function that the chains are tested with, as a user would write it; its bundle is made of the built package. */
import { createDrain, type Message } from "spillway";
import { lambdaContinuation, lambdaHandler } from "spillway/lambda";
import { upstash } from "spillway/upstash";

const { REDIS_URL = "", REDIS_TOKEN = "", LIST = "", WORK_MS = "0", SPINS_AT = "0", BUDGET_MS } = process.env;
const { MAX_CONCURRENCY = "1" } = process.env;
const spinsAt = Number(SPINS_AT);

async function work({ payload, attempt }: Message): Promise<void> {
  // Never gives the event loop back: only the platform's timeout ends this.
  if (spinsAt > 0 && Number(payload) % spinsAt === 1 && attempt === 1) for (;;);
  await new Promise((resolve) => setTimeout(resolve, Number(WORK_MS)));
  if (payload.startsWith("fails")) throw new Error("as told");
  console.log(`handled ${payload}`);
}

const drain = createDrain({
  redis: upstash({ url: REDIS_URL, token: REDIS_TOKEN }),
  list: LIST,
  handler: work,
  batchSize: 100,
  concurrency: 50,
  maxConcurrency: Number(MAX_CONCURRENCY),
  continuation: lambdaContinuation(),
});

export const handler = lambdaHandler(drain, {
  token: "a-token-for-the-url-only",
  marginMs: 500,
  ...(BUDGET_MS && { budgetMs: Number(BUDGET_MS) }),
});
