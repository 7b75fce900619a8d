// With Deno: `deno run --allow-net --allow-env --unstable-cron main.ts`, and on Deno Deploy without flags. It drains each
// minute, and when `POST /drain` is called.
import { createDrain, type DrainReport, type Message, NonRetryableError } from "spillway";
import { fetchHandler } from "spillway/fetch";
import { reportAsJson } from "spillway/http";
import { upstash } from "spillway/upstash";

/** The part of Deno that is used here. */
declare const Deno: {
  cron(
    name: string,
    pattern: string,
    options: { signal: AbortSignal },
    run: () => Promise<void>,
  ): Promise<void>;
  serve(
    options: { port: number; onListen(address: { port: number }): void },
    handle: (request: Request) => Promise<Response>,
  ): { shutdown(): Promise<void> };
  addSignalListener(name: "SIGINT" | "SIGTERM", listener: () => void): void;
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

// Deno Deploy finds cron jobs by running the module's top level, before the server starts. A run never begins while the last one runs.
Deno.cron("drain webhooks", "* * * * *", { signal }, async () => {
  logReport(await drain.run({ budgetMs: 50_000, signal }));
});

// Deno Deploy sends SIGINT, and 5 s later ends the process. This is enough to give back the messages that have not begun, settle the others, and
// answer.
for (const name of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(name, () => {
    stop.abort();
    void server.shutdown();
  });
}
const onListen = ({ port }: { port: number }): void =>
  console.log(`Draining each minute; on demand at http://127.0.0.1:${port}/drain`);
const server = Deno.serve({ port: Number(process.env.PORT ?? 8080), onListen }, (request) => handle(request));

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
