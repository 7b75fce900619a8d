// A server on a machine of yours, with Bun: `bun server.ts`. It drains each minute, and when `POST /drain` is called.
import { createDrain, type DrainReport, type Message, NonRetryableError } from "spillway";
import { fetchHandler } from "spillway/fetch";
import { reportAsJson } from "spillway/http";
import { upstash } from "spillway/upstash";

/** The part of Bun that is used here. */
declare const Bun: {
  serve(options: {
    hostname: string;
    port: number;
    idleTimeout: number;
    fetch(request: Request): Promise<Response>;
  }): { readonly port: number; stop(): Promise<void> };
  cron(pattern: string, run: () => Promise<void>): { stop(): void };
};

const deliverTo = environment("DELIVER_TO");
const drain = createDrain({
  redis: upstash({
    url: environment("UPSTASH_REDIS_REST_URL"),
    token: environment("UPSTASH_REDIS_REST_TOKEN"),
  }),
  list: "webhooks",
  handler: deliver,
});
const stop = new AbortController();
const { signal } = stop;
const handle = fetchHandler(drain, { token: environment("DRAIN_TOKEN"), budgetMs: 25_000, signal });

// Bun never begins a run while the last one runs, so a drain may take longer than a minute.
const schedule = Bun.cron("* * * * *", async () => {
  logReport(await drain.run({ budgetMs: 300_000, signal }));
});
const server = Bun.serve({
  // The token is not encrypted on its way: calls from elsewhere must come through a proxy that speaks TLS.
  hostname: "127.0.0.1",
  port: Number(process.env.PORT ?? 8080),
  // In seconds. By default Bun ends a connection that is quiet for 10 s, but a drain that was called may take 25 s.
  idleTimeout: 60,
  fetch: (request) => handle(request),
});

for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, async () => {
    schedule.stop();
    // Runs give back the messages that have not begun, settle the others, and answer. Then the process ends by itself.
    stop.abort();
    await server.stop();
  });
}
console.log(`Draining each minute; on demand at http://127.0.0.1:${server.port}/drain`);

/** Your work goes here. This one posts each message to the URL in `DELIVER_TO`. */
async function deliver({ payload, id, signal }: Message): Promise<void> {
  const response = await fetch(deliverTo, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": id },
    body: payload,
    signal,
  });
  await response.body?.cancel();
  // With such a status the receiver will refuse the message again. Anything else is worth another attempt.
  const isFinal = response.status >= 400 && response.status < 500 && response.status !== 429;
  if (isFinal) throw new NonRetryableError(`The receiver answered with ${response.status}.`);
  if (!response.ok) throw new Error(`The receiver answered with ${response.status}.`);
}

/** A variable that must be set: a missing secret is found when the process starts, not when it is used. */
function environment(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`Set the environment variable ${name}.`);
  return value;
}

function logReport(report: DrainReport): void {
  console.log(JSON.stringify(reportAsJson(report)));
}
