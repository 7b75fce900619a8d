import { OptionError } from "./errors.ts";

interface OptionRow {
  readonly name: string;
  readonly kind: "integer" | "choice" | "text" | "function" | "object";
  readonly fallback?: number | string;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  readonly isRequired?: boolean;
  readonly says: string;
}

/** The options of `createDrain`: one table that validates, gives the defaults and prints the documentation. */
export const drainOptionRows: readonly OptionRow[] = [
  {
    name: "redis",
    kind: "object",
    isRequired: true,
    says: "the `RedisClient`: `upstash(…)`, `ioredis(…)` or `nodeRedis(…)`",
  },
  { name: "list", kind: "text", isRequired: true, says: "the Redis list that producers `LPUSH` to" },
  {
    name: "handler",
    kind: "function",
    says: "called with each `Message`; a throw fails that message. Exactly one of `handler` and `batchHandler`",
  },
  {
    name: "batchHandler",
    kind: "function",
    says: "called with all messages of a batch; a throw fails them all",
  },
  {
    name: "batchSize",
    kind: "integer",
    fallback: 100,
    min: 1,
    max: 10_000,
    says: "messages claimed at once, at most",
  },
  {
    name: "maxBatchBytes",
    kind: "integer",
    fallback: 1_048_576,
    min: 1,
    max: 67_108_864,
    says: "bytes claimed at once, at most; one message is always claimed, however large",
  },
  {
    name: "concurrency",
    kind: "integer",
    fallback: 10,
    min: 1,
    max: 10_000,
    says: "handlers running at once, at most",
  },
  {
    name: "prefetch",
    kind: "integer",
    fallback: 0,
    min: 0,
    max: 1,
    says: "batches claimed ahead while one runs: 1 hides the round trip behind the handlers, and doubles what a crash leaves to recover",
  },
  {
    name: "leaseMs",
    kind: "integer",
    min: 1,
    max: 86_400_000,
    says: "how long a claimed batch is this drain's alone, ms. Never longer than the rest of the budget and 5 s, which is the default",
  },
  {
    name: "maxConcurrency",
    kind: "integer",
    fallback: 1,
    min: 1,
    max: 1_000,
    says: "live drains of this list, at most; one too many stops with `busy`. Scripted engine only",
  },
  {
    name: "reserveMs",
    kind: "integer",
    fallback: 1_000,
    min: 0,
    max: 60_000,
    says: "end of the budget kept for settling and releasing, ms; never more than a quarter of the budget",
  },
  {
    name: "requestTimeoutMs",
    kind: "integer",
    fallback: 10_000,
    min: 1,
    max: 300_000,
    says: "how long a request to Redis may take, ms",
  },
  {
    name: "engine",
    kind: "choice",
    choices: ["scripted", "plain"],
    fallback: "scripted",
    says: "`scripted` keeps every promise; `plain` uses no scripts and shares its working list, as BroadwayRedis does",
  },
  {
    name: "workingList",
    kind: "text",
    says: "plain engine: the shared working list. Default: `{list}:working`",
  },
  {
    name: "visibilityTimeoutMs",
    kind: "integer",
    fallback: 300_000,
    min: 1,
    max: 604_800_000,
    says: "plain engine: a message seen in the working list for longer than this goes back, ms. Make it longer than any batch takes",
  },
  { name: "codec", kind: "object", says: "decodes a payload into `message.value`. Default: JSON" },
  {
    name: "continuation",
    kind: "object",
    says: "how a drain whose budget ended invokes the next one. Default: none, the next tick goes on",
  },
  { name: "onProgress", kind: "function", says: "called after each batch with the report so far" },
  { name: "clock", kind: "object", says: "time, for tests. Default: the system's" },
  {
    name: "randomId",
    kind: "function",
    says: "names a drain, for tests; must never repeat itself. Default: 64 random bits",
  },
];

/** The options of one `run`. */
export const runOptionRows: readonly OptionRow[] = [
  {
    name: "budgetMs",
    kind: "integer",
    fallback: 60_000,
    min: 1,
    max: 86_400_000,
    says: "the time budget of this drain, ms",
  },
  {
    name: "maxMessages",
    kind: "integer",
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    says: "messages to claim, at most. Default: no limit",
  },
  {
    name: "signal",
    kind: "object",
    says: "aborting it ends the drain early: running handlers get their abort signal, the rest is released",
  },
  {
    name: "chain",
    kind: "object",
    says: "where this drain stands in its chain, as the continuation that started it said",
  },
];

/** Checks options against their table and fills in the defaults. Throws `OptionError`. */
export function checkOptions(rows: readonly OptionRow[], given: unknown): Record<string, unknown> {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new OptionError("options", "an object", show(given));
  }
  const names = rows.map((row) => row.name);
  for (const name of Object.keys(given)) {
    if (!names.includes(name))
      throw new OptionError(name, `one of the known options (${names.join(", ")})`, "an unknown one");
  }
  const checked: Record<string, unknown> = {};
  for (const row of rows) {
    const value = (given as Record<string, unknown>)[row.name];
    if (value !== undefined) {
      if (!isAllowed(row, value)) throw new OptionError(row.name, expectation(row), show(value));
      checked[row.name] = value;
    } else if (row.isRequired) {
      throw new OptionError(row.name, expectation(row), "nothing");
    } else if (row.fallback !== undefined) {
      checked[row.name] = row.fallback;
    }
  }
  return checked;
}

/** The table as Markdown, for the README. */
export function optionsAsMarkdown(rows: readonly OptionRow[]): string {
  const lines = rows.map((row) => {
    const fallback = row.isRequired ? "required" : row.fallback === undefined ? "" : `\`${row.fallback}\``;
    return `| \`${row.name}\` | ${fallback} | ${row.says} |`;
  });
  return ["| option | default | meaning |", "| --- | --- | --- |", ...lines].join("\n");
}

function isAllowed(row: OptionRow, value: unknown): boolean {
  switch (row.kind) {
    case "integer":
      return (
        typeof value === "number" &&
        Number.isInteger(value) &&
        value >= (row.min ?? 0) &&
        value <= (row.max ?? Number.MAX_SAFE_INTEGER)
      );
    case "choice":
      return typeof value === "string" && (row.choices ?? []).includes(value);
    case "text":
      return typeof value === "string" && value !== "";
    case "function":
      return typeof value === "function";
    case "object":
      return typeof value === "object" && value !== null;
  }
}

function expectation(row: OptionRow): string {
  switch (row.kind) {
    case "integer":
      return row.max === Number.MAX_SAFE_INTEGER
        ? `a whole number of at least ${row.min}`
        : `a whole number from ${row.min} to ${row.max}`;
    case "choice":
      return `one of ${(row.choices ?? []).map((choice) => `"${choice}"`).join(", ")}`;
    case "text":
      return "a string with at least one character";
    case "function":
      return "a function";
    case "object":
      return "an object";
  }
}

/** A value as an error shows it: short, and never the inside of an object, which may hold a secret. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}
