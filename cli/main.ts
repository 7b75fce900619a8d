#!/usr/bin/env node
import { Command, InvalidArgumentError } from "commander";
import { type DrainCommandOptions, drainList } from "./drain.ts";
import { runToEnd } from "./lifetime.ts";
import { type RedisCommandOptions, serveRedis } from "./redis.ts";

const program = new Command("spillway").description("Drains Redis lists, reliably.").exitOverride((error) => {
  process.exit(error.exitCode === 0 ? 0 : 2);
});

program
  .command("drain")
  .description(
    "drain a list once: a sample on the embedded engine, or your own list through your own handler",
  )
  .option("--list <name>", "the list (wants --handler; default: the sample's)")
  .option("--handler <file>", "a module that exports your handler")
  .option("--file <file>", "push this file's lines first, one message a line (wants --handler)")
  .option(
    "--url <url>",
    "the REST URL (default: UPSTASH_REDIS_REST_URL when --list is given, else an embedded server)",
  )
  .option("--token <token>", "its token (default: UPSTASH_REDIS_REST_TOKEN)")
  .option("--memory", "embed the in-memory store although there is a redis-server")
  .option("--batch-size <count>", "messages claimed at once", readCount, 50)
  .option("--concurrency <count>", "handlers at once", readCount, 10)
  .option("--budget-ms <ms>", "time budget", readCount, 60_000)
  .action((options: DrainCommandOptions) => runToEnd((lifetime) => drainList(options, lifetime)));

program
  .command("redis")
  .description("speak Upstash's REST protocol in front of a Redis")
  .option("--port <number>", "port to listen on", readPort, 8079)
  .option("--host <address>", "address to listen on", "127.0.0.1")
  .option("--token <token>", "bearer token (default: SPILLWAY_TOKEN, or a random one)")
  .option(
    "--url <url>",
    "the Redis to stand in front of, redis://… (default: redis-server on the PATH, or in memory)",
    readUrl,
  )
  .option("--memory", "use the in-memory store although there is a redis-server")
  .action((options: RedisCommandOptions) => runToEnd((lifetime) => serveRedis(options, lifetime)));

await program.parseAsync();

function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1)
    throw new InvalidArgumentError("wanted: a whole number of at least 1.");
  return count;
}

function readPort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError("wanted: 0 to 65535.");
  return port;
}

function readUrl(text: string): string {
  if (!/^rediss?:\/\/\S+$/.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError("wanted: redis://host:port");
  return text;
}
