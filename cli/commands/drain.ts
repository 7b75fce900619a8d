import { Console } from "node:console";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import { reportAsJson } from "../../adapters/http/report.ts";
import { startRestServer } from "../../adapters/local/rest-server.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { createDrain, type DrainReport, OptionError, type RedisClient } from "../../src/index.ts";
import {
  type ConnectionOptions,
  connect,
  drainOptions,
  type ListOptions,
  withList,
  withOrder,
} from "../connection.ts";
import { counted } from "../counts.ts";
import { openEngine } from "../engine.ts";
import { handlerExample, loadHandlers } from "../handlers.ts";
import type { Host } from "../host.ts";
import { linesOfFile } from "../lines.ts";
import { ProgressLine } from "../progress.ts";
import { visible } from "../safe-text.ts";
import { readSampleLines, sampleHandlers, sampleList } from "../sample.ts";
import { doing, type Session, withExamples } from "../session.ts";
import { fields } from "../terminal.ts";
import { readCount } from "../values.ts";

interface DrainCommandOptions extends ConnectionOptions, ListOptions {
  readonly handler?: string;
  readonly file?: string;
  readonly memory?: boolean;
  readonly batchSize: number;
  readonly concurrency: number;
  readonly budgetMs: number;
  readonly maxMessages?: number;
}

export function drainCommand(host: Host): Command {
  const command = withOrder(withList(new Command("drain").argument("[list]")))
    .description(
      "drain a list once, through your own handler; without a list, a sample on a Redis of its own. It exits with 0 where every message was acknowledged and the list is empty.",
    )
    .option("--handler <file>", "a module that exports your handler")
    .option("--file <file>", "push this file's lines first, one message a line")
    .option("--memory", "use the in-memory store although there is a redis-server")
    .option("--batch-size <count>", "messages claimed at once", readCount, 50)
    .option("--concurrency <count>", "handlers at once", readCount, 10)
    .option("--budget-ms <ms>", "time budget", readCount, 60_000)
    .option("--max-messages <count>", "claim no more than so many", readCount);
  withExamples(command, [
    ["spillway drain", "the sample"],
    ["spillway drain emails --handler ./handler.ts", "your list, your handler"],
    ["spillway drain emails --handler ./handler.ts --max-messages 1", "one message, to look at it"],
  ]);
  return doing<[string | undefined], DrainCommandOptions>(host, command, drainOnce);
}

async function drainOnce(session: Session, options: DrainCommandOptions, given?: string): Promise<number> {
  const { lifetime, terminal } = session;
  const { batchSize, concurrency, budgetMs, maxMessages } = options;
  const list = given ?? sampleList;
  const isOurs = isEmbedded(session, options, given);
  if (options.handler === undefined) refuseSample(options, given);
  // What a handler prints must not stand in the JSON.
  if (terminal.isJson) globalThis.console = new Console(process.stderr, process.stderr);
  const { handlers, summary } =
    options.handler === undefined
      ? await sampleHandlers()
      : await loadHandlers(pathToFileURL(resolve(options.handler)));
  const redis = isOurs ? await embed(session, options) : (await connect(options, session)).client;
  const progress = new ProgressLine(terminal);
  const common = { redis, list, batchSize, concurrency, ...drainOptions(options) };
  const drain = createDrain({ ...common, ...handlers });
  drain.on("drain:progressed", ({ report: { claimed, acked, retried } }) =>
    progress.show(() => `  claimed ${claimed}, acked ${acked}, retried ${retried}`),
  );
  const lines = await readLines(options, isOurs);
  if (lines) {
    const { pushed } = await drain.push(lines);
    terminal.say(`Pushed ${counted(pushed, "message")} to "${visible(list)}".`);
  }
  const report = await drain.run({
    budgetMs,
    signal: lifetime.signal,
    ...(maxMessages === undefined ? {} : { maxMessages }),
  });
  progress.end();
  terminal.show({ list, report: reportAsJson(report) }, ["Report", ...fields(reportFields(report))]);
  if (summary && !terminal.isJson) console.table(summary());
  return isAllHandled(report) ? 0 : 1;
}

/** Whether the list became empty, or as many messages were claimed as were asked for, and each was acknowledged. */
function isAllHandled({ stopped, claimed, acked, finished }: DrainReport): boolean {
  // Those that an earlier drain finished were never claimed by this one.
  return (stopped === "empty" || stopped === "limit") && acked - finished === claimed;
}

/** A line a field, errors by their message. */
function reportFields(report: DrainReport): Record<string, string | number | null> {
  const failures = report.failures.map((one) => `${one.count} × ${one.name}: ${one.message}`).join("; ");
  const { error, elapsedMs } = report;
  return {
    ...report,
    elapsedMs: Math.round(elapsedMs),
    failures: failures || "none",
    error: error ? error.message : null,
  };
}

/** Whether an engine of our own is drained, and not the user's Redis. Throws `OptionError` for what is neither. */
function isEmbedded(
  { host: { environment } }: Session,
  { url, memory }: DrainCommandOptions,
  list: string | undefined,
): boolean {
  if (memory && url !== undefined) throw new OptionError("--memory", "given without --url", "both");
  if (memory) return true;
  if (url !== undefined && list === undefined) {
    throw new OptionError("list", "given with --url: which list is to be drained?", "none");
  }
  const known = url ?? (environment.UPSTASH_REDIS_REST_URL || environment.REDIS_URL);
  return list === undefined || !known;
}

/** The sample acknowledges whatever it is given: it gets its own messages, on the embedded engine, and no others. */
function refuseSample({ url, file }: DrainCommandOptions, list: string | undefined): void {
  const given = Object.entries({ "a list": list, "--url": url, "--file": file }).find(
    ([, value]) => value !== undefined,
  );
  if (given === undefined) return;
  throw new OptionError("--handler", `given with ${given[0]}: a file that exports ${handlerExample}`, "none");
}

/** A REST server of our own on a free port, for this run. */
async function embed({ lifetime, terminal }: Session, options: DrainCommandOptions): Promise<RedisClient> {
  const { backend, description } = await openEngine({ memory: options.memory }, lifetime);
  const token = crypto.randomUUID();
  const server = await startRestServer({ port: 0, token, backend });
  lifetime.atEnd(() => server.close());
  terminal.say(`Upstash REST on ${server.url}, in front of ${description}.`);
  const redis = upstash({ url: server.url, token });
  lifetime.atEnd(() => redis.close());
  return redis;
}

/** What is pushed first: the file's lines, or on an embedded engine, which has none, the sample's. */
async function readLines(
  { file }: DrainCommandOptions,
  isOurs: boolean,
): Promise<string[] | AsyncIterable<Uint8Array> | undefined> {
  if (file !== undefined) return (await linesOfFile(file)).lines;
  return isOurs ? readSampleLines() : undefined;
}
