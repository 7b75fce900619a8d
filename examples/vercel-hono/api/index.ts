// A Hono app with routes of its own and a drain.
import { Hono } from "hono";
import { createDrain } from "spillway";
import { fetchHandler, vercelContext } from "spillway/fetch";
import { upstash } from "spillway/upstash";

interface Order {
  readonly id: number;
}

const drain = createDrain<Order>({
  redis: upstash({ url: process.env.UPSTASH_REDIS_REST_URL, token: process.env.UPSTASH_REDIS_REST_TOKEN }),
  list: "orders",
  handler: async ({ value, id }) => console.log(`Confirmed order ${value.id} (message ${id})`),
});
const drained = fetchHandler(drain, {
  basePath: "/api",
  cronPath: "/api/drain",
  cronSecret: process.env.CRON_SECRET,
  token: process.env.DRAIN_TOKEN,
  // 300 s is the maxDuration in vercel.json, counted from before this code begins.
  budgetMs: 290_000,
});

const app = new Hono();

app.post("/api/orders", async (context) => {
  const order = await context.req.json<unknown>().catch(() => null);
  const id = typeof order === "object" && order !== null ? (order as { id?: unknown }).id : undefined;
  if (typeof id !== "number") return context.json({ error: "An order has an id, a number." }, 400);
  await drain.push({ id });
  return context.json({ accepted: id }, 202);
});
// All other paths go to the drain, which answers 404 if it does not know them.
app.all("/api/*", (context) => drained(context.req.raw, vercelContext()));

export const GET = (request: Request): Response | Promise<Response> => app.fetch(request);
export const POST = (request: Request): Response | Promise<Response> => app.fetch(request);
