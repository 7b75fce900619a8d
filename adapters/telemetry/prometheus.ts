import type { DrainStats, EventListeners } from "../../src/index.ts";
import { textOfFailure } from "../../src/internals.ts";

/** What Prometheus' text is served as. */
export const prometheusType = "text/plain; version=0.0.4; charset=utf-8";

/** Different names of errors that are counted for one list; what is more counts as `other`. Reason: each is a series. */
const errorNamesMax = 50;

/** Counts what happens while this process lives. */
export class EventCounts {
  /** Messages by list, and by what became of them. */
  readonly outcomes = new Counts();
  /** Failures by list, and by the error's name. */
  readonly failures = new Counts();
  /** Runs by list, and by why they stopped. */
  readonly runs = new Counts();
  /** Chains that a continuation could not go on with, by list. */
  readonly broken = new Counts();
  /** 1 for each list whose brake is on, and 0 for one whose brake was. */
  readonly brakes = new Map<string, 0 | 1>();

  /** Listeners for a drain's option `on`, or for its `on`. */
  readonly listeners = {
    "message:acked": ({ list }) => this.outcomes.add(list, "ack"),
    "message:retried": ({ list }) => this.outcomes.add(list, "retry"),
    "message:released": ({ list }) => this.outcomes.add(list, "release"),
    "message:dead-lettered": ({ list }) => this.outcomes.add(list, "dead-letter"),
    "message:recovered": ({ list, count }) => this.outcomes.add(list, "recover", count),
    "message:lost": ({ list, count }) => this.outcomes.add(list, "lost", count),
    "message:failed": (failure) => {
      const { name } = textOfFailure(failure);
      const { list } = failure;
      const isKnown = this.failures.has(list, name) || this.failures.sizeOf(list) < errorNamesMax;
      this.failures.add(list, isKnown ? name : "other");
    },
    "drain:stopped": ({ list, report }) => this.runs.add(list, report.stopped),
    "continuation:failed": ({ list }) => this.broken.add(list, ""),
    "brake:on": ({ list }) => void this.brakes.set(list, 1),
    "brake:off": ({ list }) => void this.brakes.set(list, 0),
  } satisfies EventListeners;
}

class Counts {
  readonly #counts = new Map<string, Map<string, number>>();

  add(list: string, word: string, count = 1): void {
    const ofList = this.#counts.get(list) ?? new Map<string, number>();
    ofList.set(word, (ofList.get(word) ?? 0) + count);
    this.#counts.set(list, ofList);
  }

  has(list: string, word: string): boolean {
    return this.#counts.get(list)?.has(word) === true;
  }

  sizeOf(list: string): number {
    return this.#counts.get(list)?.size ?? 0;
  }

  entries(): [list: string, word: string, count: number][] {
    return [...this.#counts].flatMap(([list, words]) =>
      [...words].map(([word, count]): [string, string, number] => [list, word, count]),
    );
  }
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/**
 * The stats of lists, and the counts of their events where a process stays to count them, as Prometheus reads them. A counter
 * that has counted nothing has no line.
 */
export function prometheusText(stats: Readonly<Record<string, DrainStats>>, counts?: EventCounts): string {
  const lists = Object.entries(stats);
  const of = (read: (stats: DrainStats) => number): Sample[] =>
    lists.map(([list, own]) => [{ list }, read(own)]);
  const places = (["list", "working", "delayed", "dead", "parked"] as const).flatMap((place) =>
    lists.map(([list, own]): Sample => [{ list, place }, own[place]]),
  );
  const due = lists.flatMap(([list, { nextDueAt }]): Sample[] =>
    nextDueAt === null ? [] : [[{ list }, nextDueAt / 1_000]],
  );
  const counted = (label: string, given: Counts | undefined): Sample[] =>
    (given?.entries() ?? []).map(([list, word, count]) => [{ list, ...(label && { [label]: word }) }, count]);
  const brakes = [...(counts?.brakes ?? [])].map(([list, value]): Sample => [{ list }, value]);
  return [
    metric("spillway_list_messages", "gauge", "Messages by where they are.", places),
    metric(
      "spillway_list_leases",
      "gauge",
      "Leases, live and expired.",
      of((one) => one.leases),
    ),
    metric(
      "spillway_list_parked_keys",
      "gauge",
      "Keys with messages that wait.",
      of((one) => one.parkedKeys),
    ),
    metric(
      "spillway_list_paused",
      "gauge",
      "1 while the list is paused.",
      of((one) => Number(one.paused)),
    ),
    metric("spillway_list_next_due_timestamp_seconds", "gauge", "When the next delayed message is due.", due),
    metric(
      "spillway_messages_total",
      "counter",
      "What became of messages.",
      counted("outcome", counts?.outcomes),
    ),
    metric(
      "spillway_failures_total",
      "counter",
      "Failures by the error's name.",
      counted("error", counts?.failures),
    ),
    metric("spillway_runs_total", "counter", "Runs by why they stopped.", counted("stopped", counts?.runs)),
    metric(
      "spillway_chains_broken_total",
      "counter",
      "Continuations that failed.",
      counted("", counts?.broken),
    ),
    metric("spillway_list_brake", "gauge", "1 while the brake is on, as this process knows it.", brakes),
  ].join("");
}

function metric(name: string, type: "gauge" | "counter", help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return "";
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `${name}{${pairs.join(",")}} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

/** As the text format wants it: no name of a list or an error can end its label, or its line. */
function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replace(/[\n\r\u2028\u2029]/g, "\\n");
}
