import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { startRestServer } from "../adapters/local/rest-server.ts";
import { upstash } from "../adapters/redis/upstash.ts";
import { createDrain, type DrainReport, OptionError, type RedisClient } from "../src/index.ts";
import { openEngine } from "./engine.ts";
import { loadHandlers } from "./handlers.ts";
import { Progress, printReport } from "./progress.ts";

interface StartOptions {
  list: string;
  handler: string;
  file?: string;
  url?: string;
  token?: string;
  memory?: boolean;
  batchSize: number;
  concurrency: number;
  budgetMs: number;
}

const sampleList = "webhooks";
const sampleFolder = new URL("../examples/", import.meta.url);

const program = new Command("start")
  .description(
    "Drains a list over REST: a sample on the embedded engine, or your own list through your own handler.",
  )
  .option("--list <name>", "the list", sampleList)
  .option("--handler <file>", "module with your handler", "")
  .option("--file <file>", "push this file's lines first, one message a line")
  .option(
    "--url <url>",
    "the REST URL (default: UPSTASH_REDIS_REST_URL when --list is given, else an embedded server)",
  )
  .option("--token <token>", "its token (default: UPSTASH_REDIS_REST_TOKEN)")
  .option("--memory", "embed the in-memory store although there is a redis-server")
  .option("--batch-size <count>", "messages claimed at once", readCount, 50)
  .option("--concurrency <count>", "handlers at once", readCount, 10)
  .option("--budget-ms <ms>", "time budget", readCount, 60_000)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

try {
  process.exitCode = await start(program.parse().opts<StartOptions>());
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof OptionError ? 2 : 1;
}

async function start(options: StartOptions): Promise<number> {
  const isSample = options.handler === "";
  const handlers = await loadHandlers(
    isSample ? new URL("webhook-handler.ts", sampleFolder) : pathToFileURL(resolve(options.handler)),
  );
  const isOwnList = options.list !== sampleList;
  const url = options.url ?? (isOwnList ? process.env.UPSTASH_REDIS_REST_URL : undefined);
  const place = url === undefined ? await embed(options) : remote(url, options.token);
  try {
    const file = options.file ?? (url === undefined ? new URL("webhooks.ndjson", sampleFolder) : undefined);
    const progress = new Progress();
    const drain = createDrain({
      redis: place.redis,
      list: options.list,
      batchSize: options.batchSize,
      concurrency: options.concurrency,
      onProgress: (report) => progress.show(report),
      ...handlers.forDrain,
    });
    if (file !== undefined) {
      const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
      if (lines.length > 0) await drain.push(lines);
      console.log(`Pushed ${lines.length} messages to "${options.list}".`);
    }
    const report = await drain.run({ budgetMs: options.budgetMs });
    progress.end();
    printReport(report);
    const summary = handlers.summary?.();
    if (summary) console.table(summary);
    return exitCode(report);
  } finally {
    await place.close();
  }
}

/** A REST server of our own on a free port, for this run. */
async function embed(options: StartOptions): Promise<{ redis: RedisClient; close(): Promise<void> }> {
  const engine = await openEngine({ memory: options.memory });
  const token = crypto.randomUUID();
  const server = await startRestServer({ port: 0, token, backend: engine.backend });
  console.log(`Upstash REST on ${server.url}, in front of ${engine.description}.`);
  return {
    redis: upstash({ url: server.url, token }),
    close: async () => {
      await server.close();
      await engine.stop();
    },
  };
}

function remote(
  url: string,
  token = process.env.UPSTASH_REDIS_REST_TOKEN ?? "",
): ReturnType<typeof withoutClose> {
  return withoutClose(upstash({ url, token }));
}

function withoutClose(redis: RedisClient): { redis: RedisClient; close(): Promise<void> } {
  return { redis, close: () => redis.close() };
}

function exitCode(report: DrainReport): number {
  return report.stopped === "empty" && report.acked === report.claimed ? 0 : 1;
}

function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new InvalidArgumentError("wanted: a whole number of at least 1.");
  return count;
}
