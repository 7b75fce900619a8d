import type { EventListeners, EventName } from "../../../src/index.ts";
import { textOfFailure } from "../../../src/internals.ts";
import type { Metric } from "./metrics.ts";

/** Different names of errors that are counted for one list; what is more counts as `other`. Reason: each is a series. */
const errorNamesMax = 50;

/** Counts of events, while a process lives: what `countEvents` makes. */
export interface EventCounts {
  /** For the option `on` of the drains whose events are counted. */
  readonly listeners: EventListeners;
  metrics(): readonly Metric[];
}

/**
 * Counts the events of drains for `GET /metrics`, in processes that stay: messages by what became of them, failures by name, runs
 * by why they stopped, broken chains.
 *
 * @example
 * const counts = countEvents();
 * const drain = createDrain({ redis, list: "emails", handler, on: counts.listeners });
 * createHttpApp(drain, { token, routes: [operations({ counts })] });
 */
export function countEvents(): EventCounts {
  const outcomes = new Counts();
  const failures = new Counts();
  const runs = new Counts();
  const broken = new Counts();
  const counting = (outcome: string) => (event: { readonly list: string; readonly count?: number }) =>
    outcomes.add(event.list, outcome, event.count);
  const ofMessages: Partial<Record<EventName, string>> = {
    "message:acked": "ack",
    "message:retried": "retry",
    "message:released": "release",
    "message:dead-lettered": "dead-letter",
    "message:recovered": "recover",
    "message:lost": "lost",
  };
  const listeners: EventListeners = {
    ...Object.fromEntries(Object.entries(ofMessages).map(([name, outcome]) => [name, counting(outcome)])),
    "message:failed": (failure) => {
      const { name } = textOfFailure(failure);
      const { list } = failure;
      const isKnown = failures.has(list, name) || failures.sizeOf(list) < errorNamesMax;
      failures.add(list, isKnown ? name : "other");
    },
    "drain:stopped": ({ list, report }) => runs.add(list, report.stopped),
    "continuation:failed": ({ list }) => broken.add(list, ""),
  };
  const metrics = (): readonly Metric[] => [
    {
      name: "spillway_settled_total",
      help: "What became of messages.",
      samples: outcomes.samples("outcome"),
    },
    { name: "spillway_failures_total", help: "Failures by name.", samples: failures.samples("error") },
    { name: "spillway_runs_total", help: "Runs by why they stopped.", samples: runs.samples("stopped") },
    { name: "spillway_broken_chains_total", help: "Continuations that failed.", samples: broken.samples("") },
  ];
  return { listeners, metrics };
}

/** Numbers by list and word. */
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

  samples(label: string): Metric["samples"] {
    return [...this.#counts].flatMap(([list, words]) =>
      [...words].map(([word, count]) => [{ list, ...(label && { [label]: word }) }, count] as const),
    );
  }
}
