import { logError } from "../failure.ts";
import { callOf } from "../hono.ts";
import { problem } from "../problem.ts";
import type { RoutesContext } from "../routes.ts";
import type { OperatedDrains } from "./drains.ts";
import type { EventCounts } from "./event-counts.ts";
import { metricsText } from "./metrics.ts";
import type { Operation } from "./operation.ts";
import { array, count, orNull, record, ref, text } from "./schemas.ts";
import { StateFeed } from "./state-feed.ts";

/** How long Redis may take to show that it is there, ms. */
const readyMs = 2_000;
const textType = "text/plain; version=0.0.4; charset=utf-8";
const lists = record({
  name: text,
  lists: array(record({ list: text, stats: ref("Stats"), handled: orNull(ref("Handled")) })),
  leftOut: { ...count, description: "How many more lists there are, of patterns: 100 of each are told." },
});

/** How the lists stand: once, as metrics, and as it changes; whether Redis answers; what the caller may do. */
export function watchOperations(
  given: RoutesContext,
  drains: OperatedDrains,
  counts: EventCounts | undefined,
): readonly Operation[] {
  const read = async (list?: unknown) => ({ name: given.drain.list, ...(await drains.states(list)) });
  const feed = new StateFeed(() => read(), given.signal);
  let pinging: Promise<void> | undefined;
  /** One at a time: however often it is asked, a Redis that does not answer is asked once. */
  const ping = (): Promise<void> => {
    pinging ??= drains.ping().finally(() => {
      pinging = undefined;
    });
    return pinging;
  };
  return [
    {
      method: "get",
      path: "/lists",
      scope: "read",
      summary: "Each list, or the one that is named, and where its messages are.",
      query: ["list"],
      answer: { schema: lists },
      run: ({ query }) => read(query.list),
    },
    {
      method: "get",
      path: "/metrics",
      scope: "read",
      summary: "The same for Prometheus.",
      answer: { schema: text, type: textType },
      run: async () =>
        new Response(metricsText(await drains.states(), counts?.metrics()), {
          headers: { "Content-Type": textType },
        }),
    },
    {
      method: "get",
      path: "/events",
      scope: "read",
      summary: "The same every two seconds, as server-sent events: ask again where it ends.",
      answer: { schema: text, type: "text/event-stream" },
      async run({ context }) {
        const headers = { "Content-Type": "text/event-stream" };
        // Nobody would read its events, and so nobody would leave.
        if (context.req.raw.method === "HEAD") return new Response(null, { headers });
        // Where nothing lives on beside an answer, an answer without end would be none.
        const stream = callOf(context).waitUntil ? feed.listen(given.budgetMs) : await feed.once();
        if (!stream) return problem(503, "Too many listen already.", { "Retry-After": "10" });
        return new Response(stream, { headers });
      },
    },
    {
      method: "get",
      path: "/health/ready",
      scope: "read",
      summary: "Whether Redis answers, within two seconds.",
      answer: { schema: record({ status: text }) },
      async run() {
        let timer: ReturnType<typeof setTimeout> | undefined;
        const late = new Promise<"late">((resolve) => {
          timer = setTimeout(resolve, readyMs, "late");
        });
        try {
          if ((await Promise.race([ping(), late])) !== "late") return { status: "ok" };
        } catch (error) {
          logError("Redis is not ready.", error);
        } finally {
          clearTimeout(timer);
        }
        return problem(503, "Redis does not answer.");
      },
    },
    {
      method: "get",
      path: "/access",
      summary: "What the token of this call opens.",
      answer: { schema: record({ scopes: array(text) }) },
      run: async ({ context }) => ({ scopes: await given.scopesOf(context.req.raw) }),
    },
  ];
}
