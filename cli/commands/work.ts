import { once } from "node:events";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import { startWorker } from "../../adapters/hosts/node/worker.ts";
import { createDrain } from "../../src/index.ts";
import {
  type ConnectionOptions,
  connect,
  drainOptions,
  type ListOptions,
  withList,
  withOrder,
} from "../connection.ts";
import { loadHandlers } from "../handlers.ts";
import type { Host } from "../host.ts";
import { doing, withExamples } from "../session.ts";
import { readCount } from "../values.ts";

interface WorkOptions extends ConnectionOptions, ListOptions {
  readonly handler: string;
  readonly concurrency: number;
}

export function workCommand(host: Host): Command {
  const command = withOrder(withList(new Command("work").argument("<list>")))
    .description(
      "drain a list through your own handler until it is told to end: on a machine of yours, or while you develop",
    )
    .requiredOption("--handler <file>", "a module that exports your handler")
    .option("--concurrency <count>", "handlers at once", readCount, 10);
  withExamples(command, [["spillway work emails --handler ./handler.ts", "until it gets SIGTERM"]]);
  return doing<[string], WorkOptions>(host, command, async (session, options, list) => {
    const { lifetime } = session;
    const { handlers } = await loadHandlers(pathToFileURL(resolve(options.handler)));
    const { client } = await connect(options, session);
    const common = { redis: client, list, concurrency: options.concurrency, ...drainOptions(options) };
    const worker = startWorker(createDrain({ ...common, ...handlers }), { stopsBySignal: false });
    if (!lifetime.signal.aborted) await once(lifetime.signal, "abort");
    await worker.stop();
    return 0;
  });
}
