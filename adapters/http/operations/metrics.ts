import type { DrainStats } from "../../../src/index.ts";
import type { States } from "./drains.ts";

/** A metric of all lists, with its samples. */
export interface Metric {
  /** One that ends in `_total` is a counter, any other a gauge. */
  readonly name: string;
  readonly help: string;
  readonly samples: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];
}

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

/** How lists stand, and what else is counted, in the text form that Prometheus reads (version 0.0.4). */
export function metricsText({ lists, leftOut }: States, counted: readonly Metric[] = []): string {
  const standing = gauges.map(({ name, help, samples }): Metric => {
    const found = lists.flatMap(({ list, stats }) =>
      samples(stats).map(([place, value]) => [{ list, ...(place && { place }) }, value] as const),
    );
    return { name, help, samples: found };
  });
  const others: Metric = {
    name: "spillway_lists_left_out",
    help: "Lists of patterns beyond those that are told of.",
    samples: leftOut > 0 ? [[{}, leftOut]] : [],
  };
  const lines = [...standing, others, ...counted].flatMap(({ name, help, samples }) => {
    const type = name.endsWith("_total") ? "counter" : "gauge";
    const found = samples.map(([labels, value]) => {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
      return `${name}{${pairs.join(",")}} ${value}`;
    });
    return found.length > 0 ? [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...found] : [];
  });
  return `${lines.join("\n")}\n`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
