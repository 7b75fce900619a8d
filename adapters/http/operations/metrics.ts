import type { DrainStats } from "../../../src/index.ts";
import type { ListState } from "./drains.ts";

interface Gauge {
  readonly name: string;
  readonly help: string;
  /** Its samples for one list: a place, or "" where it has none, and the number. */
  samples(stats: DrainStats): readonly (readonly [place: string, value: number])[];
}

const gauges: readonly Gauge[] = [
  {
    name: "spillway_messages",
    help: "Messages of a list, by where they are.",
    samples: ({ list, working, delayed, parked, dead }) => [
      ["waiting", list],
      ["working", working],
      ["delayed", delayed],
      ["parked", parked],
      ["dead", dead],
    ],
  },
  { name: "spillway_leases", help: "Leases, live and expired.", samples: ({ leases }) => [["", leases]] },
  {
    name: "spillway_parked_keys",
    help: "Keys whose messages wait for others of their key.",
    samples: ({ parkedKeys }) => [["", parkedKeys]],
  },
  {
    name: "spillway_next_due_timestamp_seconds",
    help: "When the next delayed message is due.",
    samples: ({ nextDueAt }) => (nextDueAt === null ? [] : [["", nextDueAt / 1_000]]),
  },
  {
    name: "spillway_braked",
    help: "1 while the brake of the list is on.",
    samples: ({ brakedUntil }) => [["", brakedUntil === null ? 0 : 1]],
  },
  {
    name: "spillway_paused",
    help: "1 where the list is paused.",
    samples: ({ paused }) => [["", paused ? 1 : 0]],
  },
];

/** How lists stand, in the text form that Prometheus reads (version 0.0.4). */
export function metricsText(states: readonly ListState[]): string {
  const lines = gauges.flatMap(({ name, help, samples }) => {
    const found = states.flatMap(({ list, stats }) =>
      samples(stats).map(([place, value]) => {
        const labels = [`list="${escapeLabel(list)}"`, ...(place ? [`place="${place}"`] : [])];
        return `${name}{${labels.join(",")}} ${value}`;
      }),
    );
    return found.length > 0 ? [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...found] : [];
  });
  return `${lines.join("\n")}\n`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
