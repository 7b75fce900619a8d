import { OptionError } from "./errors.ts";

interface OptionRow {
  readonly name: string;
  readonly kind: "integer" | "choice" | "text" | "function" | "object" | "boolean" | "table";
  readonly fallback?: number | string;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  readonly isRequired?: boolean;
  /** For a table: the options it holds, and what may stand in its place. */
  readonly rows?: readonly OptionRow[];
  readonly instead?: "function" | "false";
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
    name: "handlerTimeoutMs",
    kind: "integer",
    min: 1,
    max: 86_400_000,
    says: "how long one call of the handler may take, ms; then its signal aborts and its message is tried again. Default: as long as the drain has",
  },
  {
    name: "schema",
    kind: "object",
    says: "a Standard Schema (zod, valibot, arktype): `message.value` is what it returns, and a message that does not fit goes to the dead letters, never to the handler",
  },
  {
    name: "maxAttempts",
    kind: "integer",
    fallback: 5,
    min: 1,
    max: 1_000,
    says: "attempts of a message, at most, crashes counted; then it goes to the dead letters",
  },
  {
    name: "retryDelay",
    kind: "table",
    instead: "function",
    rows: [
      { name: "baseMs", kind: "integer", fallback: 1_000, min: 0, max: 86_400_000, says: "" },
      { name: "maxMs", kind: "integer", fallback: 900_000, min: 0, max: 31_536_000_000, says: "" },
    ],
    says: "when a failed message is tried again: `{ baseMs: 1000, maxMs: 900000 }` is a random time up to `baseMs` × 2 ^ (attempt − 1), at most `maxMs`; or a function of `{ attempt, error, message }` that returns ms, or a promise of ms",
  },
  {
    name: "brake",
    kind: "table",
    instead: "false",
    rows: [
      { name: "after", kind: "integer", fallback: 10, min: 1, max: 1_000, says: "" },
      { name: "pauseMs", kind: "integer", fallback: 1_000, min: 1, max: 86_400_000, says: "" },
      { name: "maxPauseMs", kind: "integer", fallback: 60_000, min: 1, max: 86_400_000, says: "" },
      { name: "maxMs", kind: "integer", fallback: 3_600_000, min: 1, max: 604_800_000, says: "" },
    ],
    says: "`{ after: 10, pauseMs: 1000, maxPauseMs: 60000, maxMs: 3600000 }`: when `after` different messages fail in a row, they go back uncounted, and one message is tried after a pause that doubles up to `maxPauseMs`, until one succeeds or `maxMs` have passed. `false`: none. Scripted engine only",
  },
  {
    name: "deadLetters",
    kind: "table",
    rows: [
      { name: "maxCount", kind: "integer", min: 1, max: 10_000_000, says: "" },
      { name: "maxAgeMs", kind: "integer", min: 1, max: 31_536_000_000, says: "" },
    ],
    says: "`{ maxCount, maxAgeMs }`: dead letters beyond either are deleted, the oldest first, when another comes. Default: all are kept. `maxAgeMs` with the scripted engine only",
  },
  {
    name: "onDeadLetter",
    kind: "function",
    says: "called with each `DeadLetter` that this drain has made; what it throws is ignored. At most once: a process that dies may not call it",
  },
  {
    name: "onFailure",
    kind: "function",
    says: "called with `{ attempt, error, message }` of each failure: what the handler threw, the schema or the codec; what it throws is ignored. The report's `failures` name the newest few",
  },
  {
    name: "batchSize",
    kind: "integer",
    min: 1,
    max: 10_000,
    says: "messages claimed at once, at most. Default: 100, and with `handler` up to 1,000 while that many are handled in a tenth of a second",
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
    fallback: 1,
    min: 0,
    max: 1,
    says: "batches claimed ahead while one runs: 1 hides the round trip behind the handlers; 0 halves what a crash leaves to recover, and lets nothing overtake a message that its handler gives back",
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
    says: "names a drain, for tests; letters, digits, `_` and `-`, and never the same twice. Default: 64 random bits",
  },
  {
    name: "random",
    kind: "function",
    says: "a number from 0 to 1 for the jitter, for tests. Default: a random one",
  },
];

/** The options of `deadLetters.list`, `.redrive` and `.purge`. */
export const deadLetterOptionRows: readonly OptionRow[] = [
  { name: "max", kind: "integer", min: 1, max: Number.MAX_SAFE_INTEGER, says: "at most so many" },
  { name: "filter", kind: "function", says: "only those for which it returns true" },
  {
    name: "order",
    kind: "choice",
    choices: ["oldest", "newest"],
    fallback: "oldest",
    says: "which come first",
  },
  { name: "dryRun", kind: "boolean", says: "only count what would be taken" },
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
    name: "maxRequests",
    kind: "integer",
    min: 10,
    max: Number.MAX_SAFE_INTEGER,
    says: "requests this drain may send, for platforms that count them; it stops a few short of that. Default: no limit",
  },
  {
    name: "requestsPerMessage",
    kind: "integer",
    fallback: 0,
    min: 0,
    max: 1_000,
    says: "what one message's handler takes of `maxRequests`, and `onDeadLetter`; the markers of `idempotent` are counted by themselves",
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
      const isTable = row.kind === "table" && typeof value === "object";
      checked[row.name] = isTable ? checkTable(row, value) : value;
    } else if (row.isRequired) {
      throw new OptionError(row.name, expectation(row), "nothing");
    } else if (row.kind === "table") {
      checked[row.name] = checkTable(row, {});
    } else if (row.fallback !== undefined) {
      checked[row.name] = row.fallback;
    }
  }
  return checked;
}

/** Checks the options inside an option; its errors name both. */
function checkTable(row: OptionRow, given: unknown): Record<string, unknown> {
  try {
    return checkOptions(row.rows ?? [], given);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    throw new OptionError(`${row.name}.${error.option}`, error.expected, error.received);
  }
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
    case "boolean":
      return typeof value === "boolean";
    case "object":
      return (typeof value === "object" || typeof value === "function") && value !== null;
    case "table":
      if (row.instead === "function" && typeof value === "function") return true;
      if (row.instead === "false" && value === false) return true;
      return typeof value === "object" && value !== null && !Array.isArray(value);
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
    case "boolean":
      return "true or false";
    case "object":
      return "an object";
    case "table":
      return row.instead === undefined
        ? "an object"
        : `an object or ${row.instead === "false" ? "false" : "a function"}`;
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
