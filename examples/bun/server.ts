// On a box, with Bun: `bun examples/bun/server.ts`. In a project of your own the imports are "spillway",
// "spillway/fetch" and "spillway/upstash".
import { fetchHandler } from "../../adapters/hosts/fetch/index.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { createDrain } from "../../src/index.ts";
import { deliver, environment, logReport } from "../deliver.ts";

/** What is used of Bun here; `@types/bun` has it all. */
declare const Bun: {
  serve(options: { port: number; idleTimeout: number; fetch(request: Request): Promise<Response> }): {
    readonly port: number;
    stop(): Promise<void>;
  };
  cron(pattern: string, run: () => Promise<void>): { stop(): void };
};

const drain = createDrain({
  redis: upstash({
    url: environment("UPSTASH_REDIS_REST_URL"),
    token: environment("UPSTASH_REDIS_REST_TOKEN"),
  }),
  list: "webhooks",
  handler: deliver,
});
const { signal, abort } = stopSignal();

// Bun never starts a cron job beside itself, so a drain may take longer than a minute.
const schedule = Bun.cron("* * * * *", async () => {
  logReport(await drain.run({ budgetMs: 300_000, signal }));
});
const server = Bun.serve({
  port: Number(process.env.PORT ?? 8080),
  // Bun ends a connection that is quiet for 10 s, in seconds; a drain on demand may take the 25 s of its budget.
  idleTimeout: 60,
  fetch: fetchHandler(drain, { token: environment("DRAIN_TOKEN"), budgetMs: 25_000, signal }),
});
console.log(`Draining each minute; on demand at http://127.0.0.1:${server.port}/drain`);

for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, async () => {
    schedule.stop();
    // What runs gives back what it has not begun, settles the rest, and answers.
    abort();
    await server.stop();
  });
}

function stopSignal(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
