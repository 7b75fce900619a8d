import { describe, expect, it } from "vitest";
import { upstash } from "../../adapters/redis/upstash.ts";
import { createDrain, type DrainReport, deadLetter, release, retry } from "../../src/index.ts";
import { type Decision, type HttpProxy, startHttpProxy } from "../support/http-proxy.ts";
import { testToken } from "../support/redis.ts";
import { useRestServer } from "../support/redis-under-test.ts";

const rest = useRestServer();
const { door } = rest;
const tooLarge = { status: 413, body: '{"error":"ERR max request size exceeded"}' };

/** A REST server that takes requests of so many bytes, and may do more. */
function limited(bytesMax: number, also: (refused: number) => Decision = () => "pass"): Promise<HttpProxy> {
  let refused = 0;
  return startHttpProxy({
    target: rest.server().url,
    decide: ({ body }) => {
      if (body.length <= bytesMax) return also(refused);
      refused += 1;
      return tooLarge;
    },
  });
}

async function push(payloads: readonly string[]): Promise<void> {
  for (let at = 0; at < payloads.length; at += 1_000) {
    await door.redis.lpush("mail", ...payloads.slice(at, at + 1_000));
  }
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, at) => `m${at}`);

describe("a settle that is too large for the server", () => {
  it.each([
    ["1 MB", 1_000_000],
    ["200 KB", 200_000],
    ["20 KB", 20_000],
  ])("is sent in parts, and no message is handled twice for it: requests of %s", async (_, bytesMax) => {
    const proxy = await limited(bytesMax);
    const payloads = numbered(3_000);
    await push(payloads);
    const seen: string[] = [];
    const drain = createDrain({
      redis: upstash({ url: proxy.url, token: testToken }),
      list: "mail",
      batchSize: 3_000,
      maxAttempts: 1,
      brake: false,
      handler: ({ payload }) => {
        seen.push(payload);
        throw new Error("x".repeat(1_000));
      },
    });
    const reports: DrainReport[] = [];
    do reports.push(await drain.run());
    while (reports.at(-1)?.remaining !== 0 && reports.length < 5);

    expect(seen).toEqual(payloads);
    expect(reports.map(({ error }) => error)).toEqual(reports.map(() => null));
    expect(reports.reduce((sum, { deadLettered }) => sum + deadLettered, 0)).toBe(3_000);
    expect(Object.keys(await door.everything())).toEqual(["{mail}:dead"]);
    const letters = await drain.deadLetters.list({ max: 5_000 });
    expect(new Set(letters.map(({ id }) => id)).size).toBe(3_000);
    expect(new Set(letters.map(({ payload }) => payload))).toEqual(new Set(payloads));
    await proxy.close();
  });

  it("sends each message where its outcome says, and what goes back keeps its order", async () => {
    const proxy = await limited(10_000);
    const payloads = numbered(400);
    await push(payloads);
    const outcomes = [undefined, release, retry({ afterMs: 60_000 }), deadLetter("r".repeat(500))];
    const drain = createDrain({
      redis: upstash({ url: proxy.url, token: testToken }),
      list: "mail",
      batchSize: 400,
      handler: ({ payload }) => outcomes[Number(payload.slice(1)) % 4],
    });

    expect(await drain.run({ maxMessages: 400 })).toMatchObject({
      acked: 100,
      released: 100,
      retried: 100,
      deadLettered: 100,
      lostLease: 0,
      unsettled: 0,
      error: null,
    });
    expect(await door.waiting("mail")).toEqual(payloads.filter((_, at) => at % 4 === 1));
    expect((await door.delayed("mail")).sort()).toEqual(payloads.filter((_, at) => at % 4 === 2).sort());
    expect(await drain.deadLetters.count()).toBe(100);
    expect(await door.redis.exists("{mail}:leases")).toBe(0);
    await proxy.close();
  });

  it.each([1, 2, 3])("goes on where it was when a reply is lost: reply %i", async (lost) => {
    let passed = 0;
    const proxy = await limited(20_000, (refused) => {
      if (refused > 1) passed += 1;
      return passed === lost ? "drop-reply" : "pass";
    });
    const payloads = numbered(300);
    await push(payloads);
    const seen: string[] = [];
    const drain = createDrain({
      redis: upstash({ url: proxy.url, token: testToken }),
      list: "mail",
      batchSize: 300,
      handler: ({ payload }) => {
        seen.push(payload);
        return deadLetter("r".repeat(500));
      },
    });

    expect(await drain.run()).toMatchObject({ deadLettered: 300, lostLease: 0, unsettled: 0, error: null });
    expect(seen).toEqual(payloads);
    expect(await drain.deadLetters.count()).toBe(300);
    expect(Object.keys(await door.everything())).toEqual(["{mail}:dead"]);
    await proxy.close();
  });
});

describe("the plain engine, whose server takes 50 KB at a time", () => {
  const payloads = Array.from({ length: 60 }, (_, at) => `${at} `.padEnd(6_000, "x"));
  const shared = {
    list: "mail",
    engine: "plain",
    maxBatchBytes: 20_000,
    workingList: "mail:working",
  } as const;
  const small = (): Promise<HttpProxy> => limited(50_000);

  it.each<[string, () => unknown, Partial<DrainReport>]>([
    ["acknowledges", () => undefined, { acked: 60 }],
    ["retries later", () => retry({ afterMs: 60_000 }), { retried: 60 }],
    ["makes dead letters of", () => deadLetter("r".repeat(500)), { deadLettered: 60 }],
  ])("%s every message once", async (_, outcome, expected) => {
    const proxy = await small();
    await push(payloads);
    const seen: string[] = [];
    const drain = createDrain({
      redis: upstash({ url: proxy.url, token: testToken }),
      ...shared,
      handler: ({ payload }) => {
        seen.push(payload);
        return outcome() as undefined;
      },
    });
    const report = await drain.run();
    expect(report).toMatchObject({ ...expected, unsettled: 0, error: null });
    expect(seen).toEqual(payloads);
    expect(await door.redis.exists("mail", "mail:working")).toBe(0);
    await proxy.close();
  });

  it("gives back a batch in its order", async () => {
    const proxy = await small();
    await push(payloads);
    const drain = createDrain({
      redis: upstash({ url: proxy.url, token: testToken }),
      ...shared,
      handler: () => release,
    });
    expect(await drain.run()).toMatchObject({ unsettled: 0, error: null });
    expect(await door.waiting("mail")).toEqual(payloads);
    await proxy.close();
  });

  it("returns messages that are stuck, in their order, where replies are as small", async () => {
    const isSmall = (body: Buffer) => (body.length > 50_000 ? tooLarge : "pass");
    const proxy = await limited(50_000, () => isSmall);
    await push(payloads);
    for (const _ of payloads) await door.redis.rpoplpush("mail", "mail:working");
    const seen: string[] = [];
    const drain = createDrain({
      redis: upstash({ url: proxy.url, token: testToken }),
      ...shared,
      visibilityTimeoutMs: 1,
      batchSize: 5,
      handler: ({ payload }) => void seen.push(payload),
    });
    const reports: DrainReport[] = [];
    do reports.push(await drain.run());
    while (seen.length < 60 && reports.length < 100);
    expect(reports.map(({ error }) => error)).toEqual(reports.map(() => null));
    expect(seen).toEqual(payloads);
    expect(await door.redis.exists("mail", "mail:working")).toBe(0);
    await proxy.close();
  });
});
