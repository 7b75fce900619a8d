// One deployment for all tenants. Each has a list, which comes and goes by itself, its fair turns, and a limit.
import { createSpillway, type Message } from "spillway";
import { operations } from "spillway/http";
import { startServer } from "spillway/node";
import { upstash } from "spillway/upstash";

const spillway = createSpillway({
  redis: upstash({ url: process.env.UPSTASH_REDIS_REST_URL, token: process.env.UPSTASH_REDIS_REST_TOKEN }),
  lists: {
    // For messages that must not wait behind any tenant.
    urgent: { handler: work },
    "tenant:*": { handler: work, concurrency: 5, deadLetters: { maxCount: 1_000 } },
  },
  // While it has work, `urgent` gets one second of every four; the tenants share the rest evenly.
  priority: { urgent: 1, "tenant:*": 3 },
});

const server = await startServer(spillway, {
  token: process.env.DRAIN_TOKEN,
  cron: "* * * * *",
  port: Number(process.env.PORT ?? 8080),
  routes: [operations()],
});
console.log(`Draining each minute; on demand at ${server.url}/drain.`);

/** Your work goes here. `message.list` says whose it is. */
async function work({ list, payload, id, signal }: Message): Promise<void> {
  const response = await fetch(process.env.DELIVER_TO ?? "", {
    method: "POST",
    headers: { "content-type": "application/json", "x-list": list, "idempotency-key": id },
    body: payload,
    signal,
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`The receiver answered with ${response.status}.`);
}
