import type { LoadName, Row } from "../loads.ts";
import { table } from "../markdown.ts";
import type { Sample } from "../sample.ts";
import { goalsOf, type Results } from "./goals.ts";

export interface Machine {
  readonly when: string;
  readonly cores: string;
  readonly versions: string;
  readonly command: string;
  readonly roundTrips: readonly string[];
}

interface Column {
  readonly title: string;
  readonly cell: (row: Row) => string;
}

const figure = (title: string, name: string, digits = 0, factor = 1): Column => ({
  title,
  cell: ({ figures }) => (figures[name] ? number(figures[name].median * factor, digits) : "–"),
});

/** A median with the least and the most. */
const spread = (title: string, name: string, digits = 0, factor = 1): Column => ({
  title,
  cell: ({ figures }) => (figures[name] ? between(figures[name], digits, factor) : "–"),
});

const speed = spread("messages/s (least–most)", "perSecond");
const perMessage = [figure("requests a message", "requests", 3), figure("commands a message", "commands", 3)];
/** $0.20 for 100,000 commands: upstash.com/docs/redis, "Pricing & Billing". */
const dollarsPerCommand = 0.2 / 100_000;
const cost = figure("$ a million", "commands", 2, 1e6 * dollarsPerCommand);
const cpu = [
  figure("client CPU, µs", "clientCpuUs", 1),
  figure("REST CPU, µs", "restCpuUs", 1),
  figure("Redis CPU, µs", "redisCpuUs", 1),
];
const rss = figure("RSS at most, MB", "rssMb");

const sections: Record<LoadName, { title: string; says: string; columns: Column[]; plot?: string }> = {
  throughput: {
    title: "Handlers that do nothing, 1 KB",
    says: "By added round trip. BullMQ and bee-queue run 50 jobs at once, the others their batches. `$ a million` is what Upstash bills for that many commands, if it counts those inside scripts too.",
    columns: [speed, ...perMessage, cost, ...cpu, rss],
    plot: "throughput",
  },
  first: {
    title: "Ten thousand messages from cold",
    says: "A process that has just started, handlers that do nothing, 1 KB. How quick they are is what its first batch shows.",
    columns: [speed, figure("requests in all", "requests", 0, 10_000), ...cpu],
  },
  large: { title: "64 KB", says: "Batches are bounded by 1 MB.", columns: [speed, ...perMessage, ...cpu] },
  slots: {
    title: "A handler that takes 50 ms, 50 at once",
    says: "Busy is the share of the handler slots' time that was spent in handlers; the rest is waiting for Redis.",
    columns: [spread("busy, %", "busy", 1, 100), speed],
  },
  chains: {
    title: "Chains side by side",
    says: "Batches of 100, 100-byte messages, a round trip of 80 ms: the round trip is the bound, not the machine's two cores.",
    columns: [speed, figure("commands a message", "commands", 3)],
    plot: "chains",
  },
  million: {
    title: "A million messages",
    says: "One run. RSS growth is counted from when a twentieth is done, and from when a fifth is: in between V8 grows its heap to a working size, for the wire limit too, which holds nothing but the messages it handles.",
    columns: [
      speed,
      rss,
      figure("RSS growth from 1/20, MB", "rssGrowthMb"),
      figure("from 1/5, MB", "rssGrowthWarmMb"),
      ...perMessage,
      ...cpu,
    ],
  },
  stuck: {
    title: "Stuck messages",
    says: "What a consumer who died left behind. For Spillway it is a batch that another drain holds; for the loops it lies in their shared working list. OffBroadway.Redis acknowledges with `LREM −1`, which looks from the stuck end.",
    columns: [speed, figure("Redis CPU a message, µs", "redisCpuUs", 1)],
    plot: "stuck",
  },
  failures: {
    title: "Failures and retries",
    says: "So many messages fail at their first attempt, and are tried again after 1 ms.",
    columns: [speed, figure("commands a message", "commands", 3)],
  },
  latency: {
    title: "From push to handled",
    says: "200 messages/s, and the consumer runs all the time. Under a schedule, what comes between two ticks waits for the next.",
    columns: [spread("p50, ms", "p50", 1), spread("p99, ms", "p99", 1)],
  },
  wake: {
    title: "From push to handled, where the push wakes",
    says: "One message at a time to an empty list, and no drain lives. On Node the handler tells the time; on Workers and Lambda it is told by a note in Redis, which is part of it. workerd and the Lambda emulator run on this machine, warm.",
    columns: [spread("p50, ms", "p50", 1), spread("p99, ms", "p99", 1)],
  },
  idle: {
    title: "Idle",
    says: "Redis commands in ten minutes: Spillway by a tick a minute, BullMQ's worker as it waits (30 s, times 20).",
    columns: [figure("commands", "commands")],
  },
  flow: {
    title: "Order, limits and effects",
    says: "What a batch of 100 quick messages of a lone drain costs, as counts: on the embedded store, which runs the same scripts, with clocks that stand. Of effects, the user's own commands are left out; a forward is one of ours.",
    columns: [figure("requests a batch", "requests", 1), figure("commands a batch", "commands", 1)],
  },
  fixed: {
    title: "Size and cold start",
    says: "Bundles by esbuild, minified and gzipped; imports in a fresh Node process.",
    columns: [figure("bytes", "bytes"), spread("cold import, ms", "ms", 1)],
  },
  longest: {
    title: "The longest script",
    says: "What one script blocks Redis for at most, by its slow log: the list in some state is worked off, over TCP. Where twenty messages of 5 MB hide between small ones, the first claim that meets them may take more than its bytes: up to 34 messages are popped at once, and after that one by one.",
    columns: [figure("at most, ms", "us", 1, 1 / 1_000), figure("scripts", "count")],
  },
  profile: {
    title: "Where the time goes, over REST without delay",
    says: "One run each of a client alone, and one under a profiler: the functions that took most by themselves, µs a message. The three processes take turns, so where their CPU time adds up to the wall time, nothing but less work would be faster.",
    columns: [
      figure("wall", "wall", 1),
      figure("client", "client", 1),
      figure("REST server", "rest", 1),
      figure("Redis", "redis", 1),
      figure("itself", "us", 2),
    ],
  },
};

/** When and where a load was measured, in a sentence. */
export function measuredOn({ when, cores, versions, command, roundTrips }: Machine): string {
  return `Measured ${when} on ${cores}; ${versions}. \`${command}\`. Round trips as measured through the proxy: ${roundTrips.join(", ")}.`;
}

/** The generated part of docs/benchmarks.md. `measured` says of each load where it was measured. */
export function markdownOf(results: Results, measured: Readonly<Record<string, string>>): string {
  const parts = [
    "Each table says when and where it was measured; what was measured together is compared.",
    "## Goals",
    table([
      ["goal", "measured", ""],
      ...goalsOf(results).map(({ wanted, got, isMet }) => [wanted, got, isMet ? "met" : "**missed**"]),
    ]),
  ];
  for (const [name, { title, says, columns, plot }] of Object.entries(sections)) {
    const rows = results[name as LoadName];
    if (!rows) continue;
    parts.push(`## ${title}`, says, ...(measured[name] ? [measured[name]] : []));
    if (plot) parts.push(`![${title}](benchmarks/${plot}.svg)`);
    const lines = rows.map((row) => [row.under, row.peer, ...columns.map(({ cell }) => cell(row))]);
    parts.push(table([["", "", ...columns.map((column) => column.title)], ...lines]));
  }
  return parts.join("\n\n");
}

function between({ median, min, max }: Sample, digits: number, factor: number): string {
  return `${number(median * factor, digits)} (${number(min * factor, digits)}–${number(max * factor, digits)})`;
}

function number(value: number, digits: number): string {
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
