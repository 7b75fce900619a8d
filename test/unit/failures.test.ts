import { describe, expect, it } from "vitest";
import { z } from "zod";
import { reportAsJson } from "../../adapters/http/report.ts";
import { memory } from "../../adapters/local/memory.ts";
import {
  createDrain,
  type DrainOptions,
  type DrainReport,
  type Failure,
  type Message,
  retry,
} from "../../src/index.ts";

const secret = '{"card":"4111 1111 1111 1111"}';

async function run(payloads: string[], options: Partial<DrainOptions>): Promise<DrainReport> {
  const redis = memory();
  await redis.command(["LPUSH", "mail", ...payloads]);
  // Nothing fails a second time while its run goes on.
  const once = { concurrency: 1, prefetch: 0, retryDelay: () => 60_000 } as const;
  return createDrain({ redis, list: "mail", ...once, ...options } as DrainOptions).run();
}

function throwing(makeError: (message: Message) => unknown): Partial<DrainOptions> {
  return {
    handler: (message) => {
      throw makeError(message);
    },
  };
}

describe("the failures of a run", () => {
  it("are in its report, by name and message, with how often each was met, also where the brake held them", async () => {
    const report = await run(
      Array.from({ length: 100 }, (_, at) => `m${at}`),
      throwing(() => new Error("smtp down")),
    );

    expect(report).toMatchObject({ released: 100, stopped: "braked", error: null });
    expect(report.failures).toEqual([{ name: "Error", message: "smtp down", count: 100 }]);
    expect(reportAsJson(report)).toMatchObject({ failures: report.failures });
  });

  it("are the newest five different ones, the newest first", async () => {
    const report = await run(["1", "2", "3", "4", "5", "6", "7", "3"], {
      ...throwing(({ payload }) => new TypeError(`no ${payload}`)),
      brake: false,
    });

    expect(report.failures.map(({ message, count }) => [message, count])).toEqual([
      ["no 3", 2],
      ["no 7", 1],
      ["no 6", 1],
      ["no 5", 1],
      ["no 4", 1],
    ]);
    expect(report.failures[0]?.name).toBe("TypeError");
  });

  it("are short, and whole characters", async () => {
    const report = await run(
      ["m"],
      throwing(() => Object.assign(new Error("😀".repeat(9_999)), { name: "N".repeat(9_999) })),
    );

    const [failure] = report.failures;
    expect([failure?.name.length, failure?.message.length]).toEqual([300, 300]);
    expect(failure?.message).toBe("😀".repeat(150));
  });

  it.each<[string, Partial<DrainOptions>]>([
    ["quotes it", throwing(({ payload }) => new Error(`cannot send ${payload} now`))],
    ["is nothing else", throwing(({ payload }) => payload)],
    [
      "is named after it",
      throwing(({ payload }) => Object.assign(new Error("no"), { name: `No ${payload}` })),
    ],
    ["quotes a part of it", throwing(() => JSON.parse(`${secret}x`))],
    [
      "quotes it and more, cut off",
      throwing(({ payload }) => new Error("x".repeat(900) + payload.repeat(900))),
    ],
    ["is a SyntaxError of JSON", { handler: ({ payload }) => JSON.parse(`4111 1111 ${payload}`) }],
    [
      "is the codec's",
      {
        codec: { decode: ({ payload }) => JSON.parse(`4111 ${payload}`) },
        handler: ({ value }) => void value,
      },
    ],
    ["is a schema's", { schema: z.object({ card: z.literal("no") }) as never, handler: () => undefined }],
    [
      "is a schema's that quotes it",
      {
        schema: {
          "~standard": {
            version: 1,
            vendor: "test",
            validate: (value) => ({ issues: [{ message: `bad ${JSON.stringify(value)}` }] }),
          },
        },
        handler: () => undefined,
      },
    ],
  ])("hold no payload, where the error %s", async (_, options) => {
    const report = await run([secret], options);

    expect(report.failures).toHaveLength(1);
    expect(JSON.stringify(report.failures)).not.toContain("4111");
  });

  it("are told as events, one by one", async () => {
    const told: Failure[] = [];
    const error = new Error("no");
    const on = { "message:failed": (failure: Failure) => told.push(failure) };
    await run(["a", "b"], { ...throwing(() => error), on });

    expect(told.map(({ attempt, message, error: given }) => [attempt, message.payload, given])).toEqual([
      [1, "a", error],
      [1, "b", error],
    ]);
  });

  it("are none where handlers ask for another attempt, or the drain is aborted", async () => {
    expect((await run(["a"], { handler: () => retry() })).failures).toEqual([]);
    const controller = new AbortController();
    const redis = memory();
    await redis.command(["LPUSH", "mail", "a"]);
    const drain = createDrain({
      redis,
      list: "mail",
      handler: () => {
        controller.abort();
        throw new Error("aborted");
      },
    });
    expect(await drain.run({ signal: controller.signal })).toMatchObject({ released: 1, failures: [] });
  });
});
