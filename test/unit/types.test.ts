import { Redis } from "@upstash/redis";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createHttpApp } from "../../adapters/http/app.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { upstash as upstashByFetch } from "../../adapters/redis/upstash-fetch.ts";
import {
  type Codec,
  createDrain,
  type DrainOptions,
  type DrainReport,
  OptionError,
  type RedisClient,
  type StopReason,
} from "../../src/index.ts";

/**
 * Checked by `tsc` as much as by running it: a line after `@ts-expect-error` that did compile would be an error, and so
 * would one of the others that did not.
 */
const redis: RedisClient = {
  name: "none",
  command: () => Promise.reject(new Error("not to be called")),
  pipeline: () => Promise.reject(new Error("not to be called")),
  close: () => Promise.resolve(),
};
const list = "mail";
const handler = (): void => undefined;

interface Mail {
  readonly to: string;
}

/** Decodes to an array of words, which is no `Mail`. */
const words: Codec<string[]> = { decode: ({ payload }) => payload.split(" ") };
const mail: Codec<Mail> = { decode: ({ payload }) => ({ to: payload }) };

describe("the types of createDrain refuse what it refuses when it is called", () => {
  it.each<[string, () => unknown]>([
    // @ts-expect-error
    ["neither handler nor batchHandler", () => createDrain({ redis, list })],
    // @ts-expect-error
    ["handler and batchHandler", () => createDrain({ redis, list, handler, batchHandler: handler })],
    // @ts-expect-error
    ["batchBy beside handler", () => createDrain({ redis, list, handler, batchBy: () => "a" })],
    // @ts-expect-error
    ["no list", () => createDrain({ redis, handler })],
    // @ts-expect-error
    ["no redis", () => createDrain({ list, handler })],
    // @ts-expect-error
    ["a name that is no option", () => createDrain({ redis, list, handler, batchSze: 5 })],
    // @ts-expect-error
    ["a number as text", () => createDrain({ redis, list, handler, batchSize: "100" })],
    // @ts-expect-error
    ["three batches ahead", () => createDrain({ redis, list, handler, prefetch: 3 })],
    // @ts-expect-error
    ["a brake that is true", () => createDrain({ redis, list, handler, brake: true })],
    // @ts-expect-error
    ["a name that no brake has", () => createDrain({ redis, list, handler, brake: { afterMs: 1 } })],
    // @ts-expect-error
    ["another engine", () => createDrain({ redis, list, handler, engine: "fast" })],
    // @ts-expect-error
    ["a schema that is none", () => createDrain({ redis, list, handler, schema: { parse: handler } })],
  ])("%s", (_, make) => {
    expect(make).toThrow(OptionError);
  });

  it("and run's options", async () => {
    const drain = createDrain({ redis, list, handler });
    // @ts-expect-error
    await expect(drain.run({ budget: 5 })).rejects.toThrow(OptionError);
    // @ts-expect-error
    await expect(drain.run({ signal: "stop" })).rejects.toThrow(OptionError);
  });
});

describe("the types of adapters refuse what they refuse when they are called", () => {
  const url = "https://upstash.example";
  const token = "t0ken";
  const drain = createDrain({ redis, list, handler });

  it.each<[string, () => unknown]>([
    // @ts-expect-error
    ["upstash: a misspelt name", () => upstash({ ulr: url, token })],
    // @ts-expect-error
    ["upstash: an array", () => upstash([])],
    // @ts-expect-error
    ["upstash: no token", () => upstash({ url })],
    // @ts-expect-error
    ["upstash: an option of another client", () => upstash({ url, token, retry: false })],
    // @ts-expect-error
    ["upstash: a client that is none of its", () => upstash({ redis })],
    // @ts-expect-error
    ["upstash by fetch: a misspelt name", () => upstashByFetch({ ulr: url, token })],
    // @ts-expect-error
    ["upstash by fetch: an array", () => upstashByFetch([])],
    // @ts-expect-error
    ["the HTTP app: a misspelt name", () => createHttpApp(drain, { tokn: token })],
  ])("%s", (_, make) => {
    expect(make).toThrow(OptionError);
  });

  it("and take variables that may not be set, and a Redis of @upstash/redis", () => {
    const env: Record<string, string | undefined> = { url, token };
    for (const client of [upstash, upstashByFetch]) {
      expect(client({ url: env.url, token: env.token }).name).toBe("upstash");
      expect(client(new Redis({ url, token })).name).toBe("upstash");
      expect(client({ redis: new Redis({ url, token }), requestTimeoutMs: 100 }).name).toBe("upstash");
      expect(() => client({ url, token: env.none })).toThrow(OptionError);
    }
  });
});

describe("a handler's messages hold", () => {
  it("what the type argument says, with the JSON codec", () => {
    createDrain<Mail>({ redis, list, handler: ({ value }) => void (value.to satisfies string) });
    createDrain<Mail>({
      redis,
      list,
      batchHandler: ([first]) => void (first?.value.to satisfies string | undefined),
    });
    // @ts-expect-error
    createDrain<Mail>({ redis, list, handler: ({ value }) => void value.from });
  });

  it("nothing known where nothing says it", () => {
    // @ts-expect-error
    createDrain({ redis, list, handler: ({ value }) => void value.to });
    createDrain({ redis, list, handler: ({ value }) => void (value satisfies unknown) });
  });

  it("what the codec decodes, where there is no schema", () => {
    createDrain({ redis, list, codec: words, handler: ({ value }) => void (value satisfies string[]) });
    createDrain<Mail>({ redis, list, codec: mail, handler });
    // @ts-expect-error
    createDrain({ redis, list, codec: words, handler: ({ value }) => void value.to });
    // @ts-expect-error
    createDrain<Mail>({ redis, list, codec: words, handler });
  });

  it("what the schema returns, whatever its vendor", () => {
    const zod = z.object({ to: z.string() });
    createDrain({ redis, list, schema: zod, handler: ({ value }) => void (value.to satisfies string) });
    const valibot = v.object({ to: v.string() });
    createDrain({ redis, list, schema: valibot, handler: ({ value }) => void (value.to satisfies string) });
    const arktype = type({ to: "string" });
    createDrain({ redis, list, schema: arktype, handler: ({ value }) => void (value.to satisfies string) });
    // @ts-expect-error
    createDrain({ redis, list, schema: zod, handler: ({ value }) => void value.from });
  });

  it("what the schema returns, where a codec of another type decodes first", () => {
    const schema = z.array(z.string()).transform(([to = ""]) => ({ to }));
    createDrain({
      redis,
      list,
      codec: words,
      schema,
      handler: ({ value }) => void (value.to satisfies string),
    });
    createDrain<Mail>({ redis, list, codec: words, schema, handler });
    // @ts-expect-error
    createDrain({ redis, list, codec: words, schema, handler: ({ value }) => void value.length });
  });
});

it("DrainOptions is what createDrain takes, also in parts", () => {
  const options: DrainOptions<Mail> = {
    redis,
    list,
    handler: ({ value }) => void (value.to satisfies string),
  };
  expect(createDrain({ ...options, concurrency: 2 }).list).toBe(list);
});

it("a drain stops only for the reasons that the report's type names", () => {
  const said: Record<StopReason, true> = {
    empty: true,
    budget: true,
    limit: true,
    busy: true,
    braked: true,
    paused: true,
    "rate-limited": true,
    held: true,
    aborted: true,
    error: true,
  };
  const stopped: (report: DrainReport) => keyof typeof said = (report) => report.stopped;
  expect(stopped).toBeTypeOf("function");
});
