import { pino } from "pino";
import { afterEach, describe, expect, it, vi } from "vitest";
import { countEvents } from "../../adapters/http/operations/event-counts.ts";
import { metricsText } from "../../adapters/http/operations/metrics.ts";
import { memory } from "../../adapters/local/memory.ts";
import { type Logger, logEvents } from "../../adapters/telemetry/logging.ts";
import { createDrain, type DrainOptions, deadLetter, OptionError } from "../../src/index.ts";

const secret = '"4111 1111 1111 1111 a secret number"';

async function drained(options: Partial<DrainOptions>, payloads = ['"good"', secret]) {
  const redis = memory();
  await redis.command(["LPUSH", "mail", ...payloads]);
  const handler: DrainOptions["handler"] = ({ payload }) => {
    if (payload === secret) throw new TypeError(`cannot send ${payload}`);
    return payload === '"bad"' ? deadLetter("bad") : undefined;
  };
  const drain = createDrain({
    redis,
    list: "mail",
    concurrency: 1,
    prefetch: 0,
    retryDelay: () => 60_000,
    handler,
    ...options,
  } as DrainOptions);
  await drain.run();
  return drain;
}

describe("events in a user's log", () => {
  afterEach(() => vi.restoreAllMocks());

  it("are objects with the event's name for pino, by levels, and hold no payload", async () => {
    const lines: Record<string, unknown>[] = [];
    const logger = pino({ level: "debug" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    await drained({ on: logEvents(logger) }, [secret, '"bad"', '"good"']);

    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      [40, "message:failed"],
      [30, "message:retried"],
      [40, "message:dead-lettered"],
      [30, "drain:stopped"],
    ]);
    expect(lines.find(({ msg }) => msg === "message:failed")).toMatchObject({
      list: "mail",
      attempt: 1,
      error: { name: "TypeError", message: "cannot send …" },
    });
    expect(lines.find(({ msg }) => msg === "message:dead-lettered")).toMatchObject({
      reason: "bad",
      attempts: 1,
    });
    expect(lines.at(-1)).toMatchObject({
      claimed: 3,
      acked: 1,
      deadLettered: 1,
      stopped: "empty",
      oldestMs: null,
    });
    expect(JSON.stringify(lines)).not.toContain("4111");
  });

  it("say of a dead letter where it does not fit the schema, and not what is there", async () => {
    const lines: unknown[] = [];
    const note = (fields: unknown): void => void lines.push(fields);
    const logger: Logger = { debug: note, info: note, warn: note, error: note };
    const issues = [{ message: 'Expected a date, got "4111"', path: ["card", "until"] }];
    const schema = { "~standard": { version: 1, vendor: "test", validate: () => ({ issues }) } } as const;
    await drained({ on: logEvents(logger), schema }, ['{"card":{"until":"4111"}}']);
    expect(lines).toContainEqual(
      expect.objectContaining({
        reason: "invalid",
        error: { name: "SchemaError", paths: ["card.until"] },
      }),
    );
    expect(JSON.stringify(lines)).not.toContain("4111");
  });

  it("are lines of JSON for the console, and none for a run that found nothing", async () => {
    const written: string[] = [];
    for (const level of ["debug", "info", "warn", "error"] as const)
      vi.spyOn(console, level).mockImplementation((line) => void written.push(line));
    const drain = await drained({ on: logEvents(console) }, ['"good"']);
    await drain.run();

    expect(written.map((line) => JSON.parse(line))).toMatchObject([{ event: "drain:stopped", acked: 1 }]);
  });

  it("are those that were asked for", async () => {
    const heard: unknown[] = [];
    const note = (_fields: unknown, name: unknown): void => void heard.push(name);
    const logger: Logger = { debug: note, info: note, warn: note, error: note };
    await drained({ on: logEvents(logger, { events: ["message:acked"] }) });
    expect(heard).toEqual(["message:acked"]);
  });

  it.each<[string, unknown, unknown]>([
    ["no logger", undefined, {}],
    ["half a logger", { info: () => undefined }, {}],
    ["an event that there is not", console, { events: ["message:aked"] }],
    ["no list of events", console, { events: "message:acked" }],
    ["another shape", console, { shape: "json" }],
  ])("are refused for %s", (_, logger, options) => {
    expect(() => logEvents(logger as Logger, options as object)).toThrow(OptionError);
  });
});

describe("the text for Prometheus", () => {
  it("has the stats of each list, and what its events have counted", async () => {
    const counts = countEvents();
    const drain = await drained({ on: counts.listeners });
    const text = metricsText(
      { lists: [{ list: "mail", stats: await drain.stats(), handled: null }], leftOut: 0 },
      counts.metrics(),
    );

    expect(text.split("\n")).toEqual(
      expect.arrayContaining([
        "# TYPE spillway_messages gauge",
        'spillway_messages{list="mail",place="delayed"} 1',
        'spillway_braked{list="mail"} 0',
        "# TYPE spillway_settled_total counter",
        'spillway_settled_total{list="mail",outcome="ack"} 1',
        'spillway_settled_total{list="mail",outcome="retry"} 1',
        'spillway_failures_total{list="mail",error="TypeError"} 1',
        'spillway_runs_total{list="mail",stopped="empty"} 1',
      ]),
    );
    // Each line is a comment or a sample, and each metric is said once.
    for (const line of text.trimEnd().split("\n"))
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+\{(\w+="[^"]*",?)+\} -?[\d.]+)$/);
    const types = text.match(/# TYPE \w+/g) ?? [];
    expect(new Set(types).size).toBe(types.length);
  });

  it("says how many lists it does not tell of, where there are any", () => {
    expect(metricsText({ lists: [], leftOut: 9_900 })).toContain("\nspillway_lists_left_out{} 9900\n");
    expect(metricsText({ lists: [], leftOut: 0 })).toBe("\n");
  });

  it("counts no more than fifty names of errors apart", async () => {
    const counts = countEvents();
    const payloads = Array.from({ length: 60 }, (_, at) => String(at));
    await drained(
      {
        on: counts.listeners,
        brake: false,
        handler: ({ payload }) => {
          throw Object.assign(new Error("no"), { name: `Error${payload}` });
        },
      } as Partial<DrainOptions>,
      payloads,
    );
    const series =
      metricsText({ lists: [], leftOut: 0 }, counts.metrics()).match(/^spillway_failures_total.*$/gm) ?? [];
    expect(series).toHaveLength(51);
    expect(series.at(-1)).toBe('spillway_failures_total{list="mail",error="other"} 10');
  });
});
