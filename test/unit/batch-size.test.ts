import { describe, expect, it, vi } from "vitest";
import { memory } from "../../adapters/local/index.ts";
import { createDrain, type DrainOptions } from "../../src/index.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** How many messages each claim of a drain brought, where a handler takes so long. */
async function claimsOf(
  handlerMs: number,
  options: Partial<DrainOptions> = {},
  messageCount = 6_000,
  payload = "message",
): Promise<number[]> {
  const clock = new ManualClock();
  const redis = memory();
  await redis.command(["LPUSH", "mail", ...Array.from({ length: messageCount }, () => payload)]);
  const claims: number[] = [];
  let claimed = 0;
  const drain = createDrain({
    redis,
    list: "mail",
    clock,
    concurrency: 1,
    on: {
      "drain:progressed": ({ report }) => {
        if (report.claimed > claimed) claims.push(report.claimed - claimed);
        claimed = report.claimed;
      },
    },
    ...(options.batchHandler ? {} : { handler: () => clock.advance(handlerMs) }),
    ...options,
  } as DrainOptions);
  await drain.run({ budgetMs: 86_400_000 });
  return claims;
}

describe("how much a drain claims at once", () => {
  it("begins with a hundred, and is a thousand as soon as handlers are known to be quick", async () => {
    const claims = [100, 1_000, 1_000, 1_000, 1_000, 1_000, 900];
    expect(await claimsOf(0, { prefetch: 0 })).toEqual(claims);
  });

  it("is ten times what little was there, at most, for that says little", async () => {
    const redis = memory();
    const claims: number[] = [];
    const drain = createDrain({
      redis,
      list: "mail",
      prefetch: 0,
      clock: new ManualClock(),
      handler: () => undefined,
      on: { "drain:progressed": ({ report }) => void claims.push(report.claimed) },
    });
    await drain.push("first");
    await drain.run();
    await drain.push(Array.from({ length: 500 }, () => "message"));
    await drain.run();
    expect(claims).toContain(100);
  });

  it("is at once what the drain before was quick enough for, where its hop says so, and fits the budget", async () => {
    const firstClaims: number[] = [];
    for (const [paceUs, budgetMs] of [
      [10, 60_000],
      [250, 60_000],
      [5_000, 60_000],
      [5_000, 100],
    ] as const) {
      const redis = memory();
      const drain = createDrain({ redis, list: "mail", clock: new ManualClock(), handler: () => undefined });
      await drain.push(Array.from({ length: 2_000 }, () => "message"));
      let first = 0;
      const { claimed } = await createDrain({
        redis,
        list: "mail",
        prefetch: 0,
        clock: new ManualClock(),
        handler: () => undefined,
        on: {
          "drain:progressed": ({ report }) => {
            first ||= report.claimed;
          },
        },
      }).run({ budgetMs, maxMessages: 1_000, chain: { id: "chain", hop: 1, paceUs } });
      expect(claimed).toBe(1_000);
      firstClaims.push(first);
    }
    expect(firstClaims).toEqual([1_000, 400, 100, 15]);
  });

  it("is not asked for a second time before the first batch has had a moment to show how quick it is", async () => {
    const clock = new ManualClock();
    const redis = memory();
    const held: (() => void)[] = [];
    const drain = createDrain({
      redis,
      list: "mail",
      clock,
      concurrency: 100,
      handler: () => new Promise<void>((resolve) => held.push(resolve)),
    });
    await drain.push(Array.from({ length: 1_200 }, () => "message"));
    const abort = new AbortController();
    const running = drain.run({ maxMessages: 1_100, signal: abort.signal, abortMs: 0 });
    await vi.waitFor(() => expect(held).toHaveLength(100));
    for (const end of held.splice(0)) end();
    await vi.waitFor(() => expect(held).toHaveLength(100));
    expect((await drain.stats()).working).toBe(1_000);
    abort.abort();
    clock.advance(1);
    await running;
  });

  it("is remembered by a drain from run to run", async () => {
    const drain = createDrain({
      redis: memory(),
      list: "mail",
      clock: new ManualClock(),
      handler: () => undefined,
    });
    const requests: number[] = [];
    for (let run = 0; run < 2; run++) {
      await drain.push(Array.from({ length: 3_000 }, () => "message"));
      requests.push((await drain.run()).requests);
    }
    expect(requests[1]).toBeLessThan(requests[0] as number);
  });

  it("is what the handlers do in a tenth of a second", async () => {
    expect((await claimsOf(0.25, { prefetch: 0 })).slice(0, 5)).toEqual([100, 400, 400, 400, 400]);
  });

  it("stays at a hundred where they are slower", async () => {
    expect(new Set(await claimsOf(5, { prefetch: 0 }))).toEqual(new Set([100]));
  });

  it("comes back to a hundred when they become slow", async () => {
    const clock = new ManualClock();
    let count = 0;
    const handler = () => clock.advance(count++ < 3_000 ? 0 : 50);
    const claims = await claimsOf(0, { prefetch: 0, clock, handler });
    expect(Math.max(...claims)).toBe(1_000);
    expect(claims.slice(-10)).toEqual(Array(10).fill(100));
  });

  it("does not outgrow what the bytes allow", async () => {
    const claims = await claimsOf(0, { prefetch: 0, maxBatchBytes: 50_000 }, 500, "x".repeat(1_000));
    expect(claims).toEqual(Array(10).fill(50));
  });

  it("is the batchSize where one is given", async () => {
    expect(new Set(await claimsOf(0, { batchSize: 300, prefetch: 0 }))).toEqual(new Set([300]));
  });

  it("is a hundred for a batch handler, which gets the whole batch", async () => {
    expect(new Set(await claimsOf(0, { batchHandler: () => undefined }))).toEqual(new Set([100]));
  });
});
