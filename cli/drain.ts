import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { startRestServer } from "../adapters/local/rest-server.ts";
import { upstash } from "../adapters/redis/upstash.ts";
import { createDrain, OptionError, type RedisClient } from "../src/index.ts";
import { openEngine } from "./engine.ts";
import { handlerExample, loadHandlers } from "./handlers.ts";
import type { Lifetime } from "./lifetime.ts";
import { Progress, printReport } from "./progress.ts";
import { readSampleLines, sampleHandlers, sampleList } from "./sample.ts";

export interface DrainCommandOptions {
  list?: string;
  handler?: string;
  file?: string;
  url?: string;
  token?: string;
  memory?: boolean;
  batchSize: number;
  concurrency: number;
  budgetMs: number;
}

/** Drains a list once. Resolves with 0 where every message was acknowledged and the list is empty. */
export async function drainList(options: DrainCommandOptions, lifetime: Lifetime): Promise<number> {
  const { list = sampleList, batchSize, concurrency, budgetMs } = options;
  const url = readUrl(options);
  if (options.handler === undefined) refuseSample(options);
  const { handlers, summary } =
    options.handler === undefined
      ? await sampleHandlers()
      : await loadHandlers(pathToFileURL(resolve(options.handler)));
  const redis =
    url === undefined ? await embed(options, lifetime) : upstash({ url, token: readToken(options) });
  lifetime.atEnd(() => redis.close());
  const progress = new Progress();
  const drain = createDrain({ redis, list, batchSize, concurrency, ...handlers });
  drain.on("drain:progressed", ({ report }) => progress.show(report));
  const lines = await readLines(options, url);
  if (lines.length > 0) {
    await drain.push(lines);
    console.log(`Pushed ${lines.length} messages to "${list}".`);
  }
  const report = await drain.run({ budgetMs, signal: lifetime.signal });
  progress.end();
  printReport(report);
  if (summary) console.table(summary());
  return report.stopped === "empty" && report.acked === report.claimed ? 0 : 1;
}

/** Where the user's Redis is; undefined for an embedded one. */
function readUrl({ url, list, memory }: DrainCommandOptions): string | undefined {
  if (memory && url !== undefined) throw new OptionError("--memory", "given without --url", "both");
  if (memory) return undefined;
  if (url !== undefined && list === undefined) {
    throw new OptionError("--list", "given with --url: which list is to be drained?", "none");
  }
  return url ?? (list === undefined ? undefined : process.env.UPSTASH_REDIS_REST_URL || undefined);
}

function readToken({ token }: DrainCommandOptions): string {
  return token ?? process.env.UPSTASH_REDIS_REST_TOKEN ?? "";
}

/** The sample acknowledges whatever it is given: it gets its own messages, on the embedded engine, and no others. */
function refuseSample({ list, url, file }: DrainCommandOptions): void {
  const given = Object.entries({ "--list": list, "--url": url, "--file": file }).find(
    ([, value]) => value !== undefined,
  );
  if (given === undefined) return;
  throw new OptionError("--handler", `given with ${given[0]}: a file that exports ${handlerExample}`, "none");
}

/** A REST server of our own on a free port, for this run. */
async function embed(options: DrainCommandOptions, lifetime: Lifetime): Promise<RedisClient> {
  const { backend, description } = await openEngine({ memory: options.memory }, lifetime);
  const token = crypto.randomUUID();
  const server = await startRestServer({ port: 0, token, backend });
  lifetime.atEnd(() => server.close());
  console.log(`Upstash REST on ${server.url}, in front of ${description}.`);
  return upstash({ url: server.url, token });
}

/** What is pushed first: the file's lines, or on an embedded engine, which has none, the sample's. */
async function readLines({ file }: DrainCommandOptions, url: string | undefined): Promise<string[]> {
  if (file === undefined) return url === undefined ? readSampleLines() : [];
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new OptionError("--file", "a file that can be read", error.message);
  });
  return text.split(/\r?\n/).filter((line) => line !== "");
}
