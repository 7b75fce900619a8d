// With Deno: `deno run --allow-net --allow-env --unstable-cron examples/deno/main.ts`, and on Deno Deploy without flags. In
// a project of your own the imports are "spillway", "spillway/fetch" and "spillway/upstash".
import { fetchHandler } from "../../adapters/hosts/fetch/index.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { createDrain } from "../../src/index.ts";
import { deliver, environment, logReport } from "../deliver.ts";

/** What is used of Deno here; Deno's own types have it all. */
declare const Deno: {
  cron(name: string, pattern: string, run: () => Promise<void>): Promise<void>;
  serve(
    options: { port: number; signal: AbortSignal; onListen(address: { port: number }): void },
    handle: (request: Request) => Promise<Response>,
  ): { readonly finished: Promise<void> };
  addSignalListener(name: "SIGINT" | "SIGTERM", listener: () => void): void;
};

const stop = new AbortController();
const { signal } = stop;
const drain = createDrain({
  redis: upstash({
    url: environment("UPSTASH_REDIS_REST_URL"),
    token: environment("UPSTASH_REDIS_REST_TOKEN"),
  }),
  list: "webhooks",
  handler: deliver,
});

// Deno Deploy finds cron jobs by running the module's top level, before the server starts; it never starts one beside itself.
Deno.cron("drain webhooks", "* * * * *", async () => {
  logReport(await drain.run({ budgetMs: 50_000, signal }));
});

const handle = fetchHandler(drain, { token: environment("DRAIN_TOKEN"), budgetMs: 25_000, signal });
const onListen = ({ port }: { port: number }): void =>
  console.log(`Draining each minute; on demand at http://127.0.0.1:${port}/drain`);
Deno.serve({ port: Number(process.env.PORT ?? 8080), signal, onListen }, (request) => handle(request));

// Deno Deploy sends SIGINT, and 5 s later ends the process: time enough to give back what has not begun.
for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, () => stop.abort());
