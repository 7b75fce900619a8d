import { type Api, ApiError, type ListState, type ListStates } from "./api.ts";

/** What is drawn over time, and how. */
export const lines = ["list", "working", "delayed", "parked", "dead"] as const;
export type Line = (typeof lines)[number];

/** What one list has been like while the page was open: a column a figure, and their times, epoch s. */
export type Past = { readonly times: number[] } & Readonly<Record<Line | Counter, number[]>>;

/** What only grows, and is shown as a rate. */
const counters = ["acked", "failed"] as const;
export type Counter = (typeof counters)[number];

export interface Sight {
  readonly connection: "connecting" | "live" | "lost";
  /** Why it was lost. */
  readonly problem: string | null;
  readonly lists: readonly ListState[];
  /** How many lists there are that are not told of. */
  readonly leftOut: number;
  /** When the lists were last read, epoch ms; null before the first time. */
  readonly at: number | null;
}

/** Samples kept of a list: an hour of one every two seconds. */
const samplesMax = 1_800;
/** Lists of which samples are kept. */
const pastsMax = 200;
const retryMsMin = 2_000;
const retryMsMax = 30_000;

/** Follows the server's events while the page is seen, and opens the stream again when it ends. */
export class Live {
  sight: Sight = { connection: "connecting", problem: null, lists: [], leftOut: 0, at: null };
  readonly #api: Api;
  readonly #onRefused: (error: ApiError) => void;
  readonly #pasts = new Map<string, Past>();
  readonly #listeners = new Set<() => void>();
  #stream: AbortController | null = null;
  /** The list that is looked at, which may be one that the server does not tell of by itself. */
  #looked: string | null = null;

  /** `onRefused` is told when the token is no longer taken. */
  constructor(api: Api, onRefused: (error: ApiError) => void) {
    this.#api = api;
    this.#onRefused = onRefused;
  }

  start(): () => void {
    const follow = (): void => {
      if (document.hidden) this.#stop();
      else if (!this.#stream) void this.#run();
    };
    document.addEventListener("visibilitychange", follow);
    follow();
    return () => {
      document.removeEventListener("visibilitychange", follow);
      this.#stop();
    };
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes what an action has changed without waiting for the next event. */
  async refresh(): Promise<void> {
    await this.#take(await this.#api.lists());
  }

  /** Follows that list too. Returns what ends it. */
  follow(list: string): () => void {
    this.#looked = list;
    if (this.sight.leftOut > 0) void this.refresh().catch(() => undefined);
    return () => {
      this.#looked = null;
    };
  }

  pastOf(list: string): Past {
    const known = this.#pasts.get(list);
    if (known) return known;
    const past: Past = {
      times: [],
      list: [],
      working: [],
      delayed: [],
      parked: [],
      dead: [],
      acked: [],
      failed: [],
    };
    if (this.#pasts.size < pastsMax) this.#pasts.set(list, past);
    return past;
  }

  /** By how much a figure has changed a minute, over the last minute; null while too little is known. */
  changeOf(list: string, line: Line | Counter): number | null {
    const { times, [line]: values } = this.pastOf(list);
    const last = times.length - 1;
    const from = times.findIndex((time) => time >= (times[last] ?? 0) - 60);
    const seconds = (times[last] ?? 0) - (times[from] ?? 0);
    if (from < 0 || seconds < 8) return null;
    return (((values[last] ?? 0) - (values[from] ?? 0)) * 60) / seconds;
  }

  #stop(): void {
    this.#stream?.abort();
    this.#stream = null;
  }

  async #run(): Promise<void> {
    const stream = new AbortController();
    this.#stream = stream;
    let failures = 0;
    while (!stream.signal.aborted) {
      try {
        for await (const { name, data } of eventsIn(await this.#api.events(stream.signal))) {
          const told = JSON.parse(data);
          if (name === "lists") await this.#take(told);
          else this.#show({ ...this.sight, connection: "lost", problem: String(told.detail) });
          failures = 0;
        }
      } catch (error) {
        if (stream.signal.aborted) return;
        if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
          return this.#onRefused(error);
        }
        failures += 1;
        const problem = error instanceof ApiError ? error.message : "The connection was lost.";
        this.#show({ ...this.sight, connection: "lost", problem });
      }
      await pause(Math.min(retryMsMax, retryMsMin * 2 ** Math.max(0, failures - 1)), stream.signal);
    }
  }

  async #take({ lists: told, leftOut }: ListStates): Promise<void> {
    const looked = this.#looked;
    const lists = [...told];
    if (looked !== null && leftOut > 0 && !told.some(({ list }) => list === looked)) {
      const found = await this.#api.lists(looked).catch(() => null);
      lists.push(...(found?.lists ?? []));
    }
    const at = Date.now();
    for (const { list, stats, handled } of lists) {
      const past = this.pastOf(list);
      const { times } = past;
      if (at / 1_000 - (times.at(-1) ?? 0) < 0.2) continue;
      times.push(at / 1_000);
      for (const line of lines) past[line].push(stats[line]);
      for (const counter of counters) past[counter].push(handled?.[counter] ?? 0);
      if (times.length > samplesMax) for (const column of Object.values(past)) column.shift();
    }
    this.#show({ connection: "live", problem: null, lists, leftOut, at });
  }

  #show(sight: Sight): void {
    this.sight = sight;
    for (const listener of this.#listeners) listener();
  }
}

/** The events of a stream: their names, and their data. */
async function* eventsIn(answer: Response): AsyncGenerator<{ name: string; data: string }> {
  if (!answer.body) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (rest + value).split(/\r?\n\r?\n/);
      rest = events.pop() ?? "";
      for (const event of events) {
        const field = (name: string): string =>
          event
            .split(/\r?\n/)
            .flatMap((line) => (line.startsWith(`${name}:`) ? line.slice(name.length + 1).trimStart() : []))
            .join("\n");
        if (field("data") !== "") yield { name: field("event"), data: field("data") };
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
