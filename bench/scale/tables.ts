import * as limits from "../../src/limits.ts";
import { table } from "../markdown.ts";
import { dailyTable } from "./day.ts";
import { assumed } from "./limits.ts";
import { type Burst, type Course, type Platform, platforms, reached, spillway, sqs } from "./simulate.ts";

const concurrency = 10;
const handlerTimes = [10, 100, 1_000];
const bursts = [10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
/** From so many messages on a list is taken to have shards, on a cluster of so many nodes. */
const sharded = { from: 100_000_000, redisNodes: 3 } as const;

export interface Ramp {
  readonly name: string;
  readonly course: Course;
}

export const ramps: readonly Ramp[] = [
  ...handlerTimes.map((handlerMs) => rampOf(`${handlerMs} ms`, handlerMs)),
  ...handlerTimes.map((handlerMs) => rampOf(`${handlerMs} ms, Workers`, handlerMs, platforms.workers)),
];

function rampOf(name: string, handlerMs: number, platform: Platform = platforms.lambda): Ramp {
  const burst = { messages: 10_000_000, handlerMs, concurrency, maxConcurrency: 64, platform };
  return { name, course: spillway(burst) };
}

function rampTable(): string {
  const rows = ramps.map(({ name, course }) => {
    const at = [1, 5, 21, 64].map((live) => seconds(reached(course, live)));
    const took = (reached(course, 64) ?? Number.POSITIVE_INFINITY) - (reached(course, 1) ?? 0);
    return [name, ...at, seconds(took), took < 2_000 ? "met" : "**missed**"];
  });
  return table([["handler", "1 live, s", "5", "21", "64", "from 1 to 64, s", "goal: < 2 s"], ...rows]);
}

export interface Row {
  readonly burst: Burst;
  readonly ours: number;
  readonly theirs: number;
}

/** Time to empty of each burst, here and by SQS. */
export function emptyRows(): Row[] {
  return handlerTimes.flatMap((handlerMs) =>
    bursts.map((messages) => {
      const redisNodes = messages < sharded.from ? 1 : sharded.redisNodes;
      const burst = { messages, handlerMs, concurrency, maxConcurrency: limits.chainsMax, redisNodes };
      return { burst, ours: spillway(burst).emptyMs, theirs: sqs(burst).emptyMs };
    }),
  );
}

function emptyTable(rows: readonly Row[]): string {
  const lines = rows.map(({ burst, ours, theirs }) => [
    `${burst.handlerMs} ms`,
    burst.messages.toLocaleString("en-US"),
    String(burst.redisNodes ?? 1),
    seconds(ours),
    seconds(theirs),
    `${(theirs / ours).toFixed(1)} ×`,
    ours <= theirs ? "met" : "**missed**",
  ]);
  const titles = [
    "handler",
    "messages",
    "Redis nodes",
    "Spillway, s",
    "SQS → Lambda, s",
    "",
    "goal: not slower",
  ];
  return table([titles, ...lines]);
}

function seconds(ms: number | null): string {
  return ms === null ? "–" : (ms / 1_000).toLocaleString("en-US", { maximumFractionDigits: 1 });
}

/** What the page says between its marks, by their names. */
export function textsOf(rows: readonly Row[]): { readonly simulated: string; readonly daily: string } {
  const says = `Simulated by the platforms' published limits (\`bench/scale/limits.ts\`) and the functions that decide in a drain, \`src/scale/scale.ts\`; ${concurrency} handlers at once in each drain. Assumed: on Lambda a function begins ${assumed.invokeMs} ms after it is invoked, and ${assumed.coldStartMs} ms later in a new environment; on Workers a new Durable Object answers after ${assumed.objectMs} ms, its alarm fires ${assumed.alarmMs} ms later, and any number may begin at once, since no limit is published; a round trip to Redis takes ${assumed.roundTripMs} ms, and Redis gives ${assumed.redisMessagesPerSecond.toLocaleString("en-US")} messages a second from one list (TCP without delay in [benchmarks](benchmarks.md) is 175,634).`;

  const simulated = [
    says,
    "### From 1 to 64 chains",
    "A burst of ten million messages with `maxConcurrency: 64`: seconds from the tick until so many chains are live.",
    "![Ramp](scale/ramp.svg)",
    rampTable(),
    "### Until a burst is handled",
    `\`maxConcurrency: ${limits.chainsMax}\`. SQS → Lambda begins with 5 pollers and adds 300 a minute, up to 1,250. For a hundred million messages the list has [shards](shards.md) on a cluster of three nodes.`,
    "![Time to empty](scale/empty.svg)",
    emptyTable(rows),
  ].join("\n\n");
  return { simulated, daily: dailyTable() };
}
