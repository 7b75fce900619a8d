import { setTimeout } from "node:timers/promises";
import { Command } from "commander";
import type { DrainStats } from "../../src/index.ts";
import { type ConnectionOptions, connect, drainOf, type ListOptions, withList } from "../connection.ts";
import type { Host } from "../host.ts";
import { moment } from "../moments.ts";
import { visible } from "../safe-text.ts";
import { doing, type Session, withExamples } from "../session.ts";
import { columns } from "../terminal.ts";
import { wholeNumber } from "../values.ts";

interface StatsOptions extends ConnectionOptions, ListOptions {
  readonly watch?: boolean;
  readonly intervalMs: number;
}

interface ListStats extends DrainStats {
  readonly name: string;
}

export function statsCommand(host: Host): Command {
  const command = withList(new Command("stats").argument("<lists...>"))
    .description("tell how many messages are where")
    .option("--watch", "again and again, until it is told to end")
    .option("--interval-ms <ms>", "how often, with --watch", wholeNumber(100, 86_400_000), 2_000);
  withExamples(command, [
    ["spillway stats emails orders", "two lists, a line each"],
    ["spillway stats emails --watch", "every 2 s, in place"],
    ["spillway stats emails --json | jq .lists[0].dead", "one number"],
  ]);
  return doing<[string[]], StatsOptions>(host, command, async (session, options, lists) => {
    const { client } = await connect(options, session);
    const drains = lists.map((list) => drainOf(client, list, options));
    const look = async (): Promise<ListStats[]> =>
      Promise.all(drains.map(async (drain) => ({ name: drain.list, ...(await drain.stats()) })));
    if (!options.watch) show(session, await look());
    else await watch(session, options.intervalMs, look);
    return 0;
  });
}

async function watch(session: Session, intervalMs: number, look: () => Promise<ListStats[]>): Promise<void> {
  const { signal } = session.lifetime;
  const { stdout } = session.host;
  // Whoever read it may be gone, as `| head` is.
  let isRead = true;
  stdout.once("error", () => {
    isRead = false;
  });
  for (let shownLines = 0; !signal.aborted && isRead; ) {
    const stats = await look();
    if (shownLines > 0) stdout.write(`\u001b[${shownLines}A\u001b[J`);
    show(session, stats);
    shownLines = session.terminal.isWatched ? stats.length + 1 : 0;
    await setTimeout(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}

function show({ terminal }: Session, stats: readonly ListStats[]): void {
  const heads = ["list", "waiting", "working", "leases", "delayed", "parked", "dead", "next due", ""];
  const rows = stats.map((one) => [
    visible(one.name),
    one.list,
    one.working,
    one.leases,
    one.delayed,
    one.parked,
    one.dead > 0 ? terminal.toned(String(one.dead), "bad") : one.dead,
    moment(one.nextDueAt),
    one.paused
      ? terminal.toned("paused", "doubtful")
      : one.brakedUntil === null
        ? ""
        : terminal.toned(`braked until ${moment(one.brakedUntil)}`, "bad"),
  ]);
  const lists = stats.map(({ name, ...counts }) => ({ name, ...counts }));
  terminal.show({ lists }, columns([heads.map((head) => terminal.toned(head, "faint")), ...rows]));
}
