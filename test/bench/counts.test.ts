import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { upstash } from "../../adapters/redis/upstash.ts";
import { flowCosts, isUse } from "../../bench/flow.ts";
import { bundleSizes } from "../../bench/sizes.ts";
import { systemClock } from "../../src/clock.ts";
import { createDrain } from "../../src/index.ts";
import * as limits from "../../src/limits.ts";
import { startHttpProxy } from "../support/http-proxy.ts";
import { commandsOfLooks } from "../support/looks.ts";
import { testToken } from "../support/redis.ts";
import { useClient, useRestServer } from "../support/redis-under-test.ts";

/** What a drain costs in counts, which are the same on any machine. Times are measured in `bench/`, and asserted nowhere. */
describe("the cost of a drain", () => {
  const served = useRestServer();
  const side = served.door;
  const client = useClient(served, ({ url }) => upstash({ url, token: testToken }));

  beforeEach(() => side.resetCommandCount());

  async function pushOf(count: number, payloadBytes: number): Promise<void> {
    const payloads = Array.from({ length: count }, (_, at) => `${at}:`.padEnd(payloadBytes, "x"));
    if (count > 0) await side.redis.lpush("mail", ...payloads);
    await side.resetCommandCount();
  }

  /** Handlers take no time, however slow the machine is: what they take says how much is claimed. */
  const clock = { ...systemClock, now: () => 0 };

  async function drainOf(count: number, batchSize: number) {
    await pushOf(count, 10);
    const drain = createDrain({ redis: client(), list: "mail", batchSize, handler: () => undefined, clock });
    const startedAt = performance.now();
    const report = await drain.run();
    const elapsedMs = performance.now() - startedAt;
    expect(report).toMatchObject({ stopped: "empty", acked: count, error: null });
    return { requests: report.requests, commands: await side.commandCount(), elapsedMs };
  }

  it.each([
    [100, 0.1],
    [20, 0.4],
  ])(
    "with batches of %d is at most %d Redis commands a message, and a request a batch",
    async (size, most) => {
      const batches = 100;
      const { requests, commands, elapsedMs } = await drainOf(size * batches, size);
      expect((commands - commandsOfLooks({ elapsedMs })) / (size * batches)).toBeLessThanOrEqual(most);
      // Besides: the look, the first claim, what only fills the claim ahead, the last settle, a script sent once more.
      // Where a batch takes longer than a second, a pause is asked for.
      const asksMax = Math.floor(elapsedMs / limits.pauseMs);
      expect(requests).toBeLessThanOrEqual(batches + 5 + asksMax);
    },
  );

  it.each([10, 1_024])(
    "with payloads of %d bytes is at most 5 bytes a message up, and down the payload in base64 and 4 bytes",
    async (payloadBytes) => {
      const batches = 50;
      const count = batches * 100;
      // Redis then knows the script, which is sent once and not once a run.
      await drainOf(1, 100);
      let received = 0;
      const proxy = await startHttpProxy({
        target: served.server().url,
        decide: () => (body) => {
          received += body.length;
          return "pass";
        },
      });
      onTestFinished(() => proxy.close());
      await pushOf(count, payloadBytes);
      const drain = createDrain({
        redis: upstash({ url: proxy.url, token: testToken }),
        list: "mail",
        batchSize: 100,
        handler: () => undefined,
      });
      expect(await drain.run()).toMatchObject({ stopped: "empty", acked: count });
      const sent = proxy.requests.reduce((sum, { body }) => sum + body.length, 0);
      // Acknowledged by their places: no payload travels back.
      expect(sent / count).toBeLessThanOrEqual(5);
      expect(received / count).toBeLessThanOrEqual(Math.ceil(payloadBytes / 3) * 4 + 4);
    },
  );

  it("is at most 14 requests for 10,000 quick messages of 1 KB, and 13 where the hop says how quick they are", async () => {
    // Redis then knows the script.
    await drainOf(1, 100);
    const requests: number[] = [];
    for (const paceUs of [undefined, 10]) {
      await pushOf(10_000, 1_024);
      const drain = createDrain({
        redis: client(),
        list: "mail",
        // Handlers that take no time, however slow the machine is.
        clock: { ...systemClock, now: () => 0 },
        handler: () => undefined,
      });
      const report = await drain.run({ chain: { id: "chain", hop: 1, ...(paceUs && { paceUs }) } });
      expect(report).toMatchObject({ stopped: "empty", acked: 10_000, error: null });
      requests.push(report.requests);
    }
    expect(requests[0]).toBeLessThanOrEqual(14);
    expect(requests[1]).toBeLessThanOrEqual(13);
  });

  it("is one command and one request for a tick that finds nothing", async () => {
    expect(await drainOf(0, 100)).toMatchObject({ requests: 1, commands: 1 });
  });

  it("is at most twelve commands for a tick that finds one message", async () => {
    // Redis then knows the script.
    await drainOf(1, 100);
    expect((await drainOf(1, 100)).commands).toBeLessThanOrEqual(12);
  });

  it("is at most one request and four commands more a batch for each use of order, limits and effects", async () => {
    for (const cost of (await flowCosts()).filter(isUse)) {
      expect(cost.requests, cost.name).toBeLessThanOrEqual(1);
      expect(cost.commands, cost.name).toBeLessThanOrEqual(4);
    }
  });

  it("is at most 66 KB of code, core with both engines and Upstash client, minified and gzipped", async () => {
    const sizes = await bundleSizes();
    expect(sizes.get("Spillway and upstash-fetch")).toBeLessThanOrEqual(66 * 1_024);
    expect(sizes.get("Spillway, core")).toBeLessThanOrEqual(63 * 1_024);
  });
});
