/**
 * A drain's events as lines of a log.
 *
 * @example
 * import { createDrain } from "spillway";
 * import { logEvents } from "spillway/logging";
 *
 * const drain = createDrain({ redis, list: "emails", handler, on: logEvents(pino()) });
 *
 * @module
 */
import type { DrainEvents, DrainReport, EventListeners, EventName } from "../../src/index.ts";
import { type Checker, checkOptions, choice, object, required, textOfFailure } from "../../src/internals.ts";

/** What pino, console and most loggers have. */
export interface Logger {
  debug(...given: unknown[]): unknown;
  info(...given: unknown[]): unknown;
  warn(...given: unknown[]): unknown;
  error(...given: unknown[]): unknown;
}

export interface LogEventsOptions {
  /**
   * Which events are logged. Default: all but those of each message that fares well (`message:claimed`, `message:acked`,
   * `message:released`), `drain:started` and `drain:progressed`; a run that found nothing has no line.
   */
  readonly events?: readonly EventName[];
  /**
   * How the logger is called: `object` for pino, `info({ list, … }, "message:failed")`; `line` for the console, `info("{…}")`.
   * Default: `line` where the logger is the console.
   */
  readonly shape?: "object" | "line";
}

type Level = keyof Logger;
type Fields = Record<string, unknown>;
type Told = { readonly [Name in EventName]: (event: DrainEvents[Name]) => readonly [Level, Fields] | null };

/** What is said of each event: never a payload. */
const told: Told = {
  "drain:started": ({ list, chain }) => ["debug", { list, chain }],
  "drain:progressed": ({ list, chain, report }) => ["debug", { list, chain, ...figuresOf(report) }],
  "drain:stopped": ({ list, chain, report }) => {
    const { claimed, recovered, deadLettered, stopped, error, declined } = report;
    if (claimed + recovered + deadLettered === 0 && stopped !== "budget" && !error && !declined) return null;
    return [error ? "error" : "info", { list, chain, ...figuresOf(report) }];
  },
  "message:claimed": ({ list, message }) => ["debug", { list, ...idOf(message) }],
  "message:acked": ({ list, message }) => ["debug", { list, ...idOf(message) }],
  "message:released": ({ list, message }) => ["debug", { list, ...idOf(message) }],
  "message:retried": ({ list, message }) => ["info", { list, ...idOf(message) }],
  "message:failed": ({ list, message, error }) => [
    "warn",
    { list, ...idOf(message), error: textOfFailure({ error, message }) },
  ],
  "message:dead-lettered": ({ list, letter }) => {
    const { id, reason, attempts, error, issues } = letter;
    const text = error && textOfFailure({ error, message: letter as never });
    // Where it does not fit, and not how: what schemas say of that quotes the value.
    const paths = issues.map(({ path }) => path);
    const shown = paths.length > 0 && text ? { name: text.name, paths } : text;
    return ["warn", { list, deadLetterId: id, reason, attempts, error: shown }];
  },
  "message:recovered": ({ list, count }) => ["info", { list, count }],
  "message:lost": ({ list, count }) => ["warn", { list, count }],
  "brake:on": ({ list, until }) => ["warn", { list, until }],
  "brake:off": ({ list }) => ["info", { list }],
  "continuation:invoked": ({ list, chain, name }) => ["info", { list, chain, name }],
  "continuation:declined": ({ list, chain, reason }) => ["warn", { list, chain, reason }],
  "continuation:failed": ({ list, chain, error }) => ["error", { list, chain, error: shown(error) }],
};

const quiet: readonly EventName[] = [
  "drain:started",
  "drain:progressed",
  "message:claimed",
  "message:acked",
  "message:released",
];
const names = Object.keys(told) as EventName[];

const kinds = {
  events: {
    wanted: `a list of events, each one of ${names.join(", ")}`,
    allows: (value) => Array.isArray(value) && value.every((one) => names.includes(one)),
  } as Checker<readonly EventName[] | undefined>,
  shape: choice(["object", "line"]),
};

/**
 * Listeners, for the option `on`, that write events to a logger such as pino or the console: `error` for what ended a chain or a
 * run, `warn` for failures, dead letters, lost leases and the brake, `info` and `debug` for the rest. Throws `OptionError`.
 */
export function logEvents(logger: Logger, options: LogEventsOptions = {}): EventListeners {
  const methods = ["debug", "info", "warn", "error"];
  checkOptions(
    { logger: required(object({ methods, wanted: "a logger, such as pino or console" })) },
    { logger },
  );
  const isConsole = (logger as unknown) === globalThis.console;
  const { events = names.filter((name) => !quiet.includes(name)), shape = isConsole ? "line" : "object" } =
    checkOptions(kinds, options);
  const listener = (name: EventName) => (event: never) => {
    const said = (told[name] as (event: never) => ReturnType<Told[EventName]>)(event);
    if (!said) return undefined;
    const [level, fields] = said;
    return shape === "line"
      ? logger[level](JSON.stringify({ event: name, ...fields }))
      : logger[level](fields, name);
  };
  return Object.fromEntries(events.map((name) => [name, listener(name)]));
}

function idOf({ id, attempt }: { readonly id: string; readonly attempt: number }): Fields {
  return { id, attempt };
}

function shown(error: Error): Fields {
  return { name: error.name, message: error.message };
}

/** A report's figures, and the failures by name. */
function figuresOf(report: DrainReport): Fields {
  const { error, failures, ...figures } = report;
  const { lists: _ofEach, ...own } = figures as typeof figures & { lists?: unknown };
  return { ...own, ...(failures.length > 0 && { failures }), ...(error && { error: shown(error) }) };
}
