import { setTimeout } from "node:timers/promises";
import { Command } from "commander";
import type { DrainStats, RedisClient } from "../../src/index.ts";
import {
  type ConnectionOptions,
  connect,
  drainOf,
  type ListOptions,
  patternOf,
  withList,
} from "../connection.ts";
import type { Host } from "../host.ts";
import { moment } from "../moments.ts";
import { visible } from "../safe-text.ts";
import { doing, type Session, withExamples } from "../session.ts";
import { columns, rowCount } from "../terminal.ts";
import { wholeNumber } from "../values.ts";

interface StatsOptions extends ConnectionOptions, ListOptions {
  readonly watch?: boolean;
  readonly intervalMs: number;
}

interface ListStats extends DrainStats {
  readonly name: string;
}

/** How lists stand, and how many more there are of the patterns among them. */
interface Look {
  readonly lists: readonly ListStats[];
  readonly leftOut: number;
}

export function statsCommand(host: Host): Command {
  const command = withList(new Command("stats").argument("<lists...>"))
    .description(
      'tell how many messages are where. A name with a star, such as "tenant:*", stands for the lists of that pattern that have work, 100 at most',
    )
    .option("--watch", "again and again, until it is told to end")
    .option("--interval-ms <ms>", "how often, with --watch", wholeNumber(100, 86_400_000), 2_000);
  withExamples(command, [
    ["spillway stats emails orders", "two lists, a line each"],
    ["spillway stats emails --watch", "every 2 s, in place"],
    ['spillway stats "tenant:*"', "the lists of a pattern, a line each"],
    ["spillway stats emails --json | jq .lists[0].dead", "one number"],
  ]);
  return doing<[string[]], StatsOptions>(host, command, async (session, options, lists) => {
    const { client } = await connect(options, session);
    const looks = lists.map((list) => lookAt(client, list, options));
    const look = async (): Promise<Look> => {
      const found = await Promise.all(looks.map((one) => one()));
      return {
        lists: found.flatMap((one) => one.lists),
        leftOut: found.reduce((sum, one) => sum + one.leftOut, 0),
      };
    };
    if (!options.watch) show(session, await look());
    else await watch(session, options.intervalMs, look);
    return 0;
  });
}

/** What looks at a list, or at those that fit a pattern. */
function lookAt(client: RedisClient, name: string, options: StatsOptions): () => Promise<Look> {
  if (!name.includes("*")) {
    const drain = drainOf(client, name, options);
    return async () => ({ lists: [{ name, ...(await drain.stats()) }], leftOut: 0 });
  }
  const spillway = patternOf(client, name, options);
  return async () => {
    const { lists, leftOut } = await spillway.stats();
    return { lists: Object.entries(lists).map(([list, stats]) => ({ name: list, ...stats })), leftOut };
  };
}

async function watch(session: Session, intervalMs: number, look: () => Promise<Look>): Promise<void> {
  const { signal } = session.lifetime;
  const { stdout } = session.host;
  const ended = new Promise<null>((resolve) => signal.addEventListener("abort", () => resolve(null)));
  // Whoever read it may be gone, as `| head` is.
  let isRead = true;
  stdout.once("error", () => {
    isRead = false;
  });
  for (let shownRows = 0; !signal.aborted && isRead; ) {
    // A server that does not answer holds up nobody who wants to end.
    const found = await Promise.race([look(), ended]);
    if (!found) return;
    if (shownRows > 0) stdout.write(`\u001b[${shownRows}A\u001b[J`);
    const lines = show(session, found);
    shownRows = session.terminal.isWatched ? rowCount(lines, stdout.columns || 80) : 0;
    await setTimeout(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Returns the lines that it was. */
function show({ terminal }: Session, { lists: stats, leftOut }: Look): readonly string[] {
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
  const lines = [
    ...columns([heads.map((head) => terminal.toned(head, "faint")), ...rows]),
    ...(leftOut > 0 ? [`and ${leftOut} more lists of these patterns, which can be named`] : []),
  ];
  terminal.show({ lists, leftOut }, lines);
  return lines;
}
