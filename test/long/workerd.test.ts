import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { startHttpProxy } from "../support/http-proxy.ts";
import { measureTimeScale } from "../support/time-scale.ts";
import { until } from "../support/until.ts";
import { useWorld } from "../workerd/world.ts";

const scaled = measureTimeScale();
const storagePath = mkdtempSync(join(tmpdir(), "spillway-workerd-"));
afterAll(() => rmSync(storagePath, { recursive: true, force: true }));

describe("an alarm chain, in workerd,", () => {
  const world = useWorld();

  it("that one tick began drains 20,000 messages, once each, and leaves nothing", async () => {
    const workerd = await world.start();
    await world.push(20_000);
    await workerd.tick();
    await workerd.chainEnd();
    const done = await world.done();
    expect(done.length).toBe(20_000);
    expect(new Set(done).size).toBe(20_000);
    expect(await world.left()).toEqual({});
    expect(workerd.reports.length).toBeGreaterThan(3);
    expect(new Set(workerd.reports.map(({ trigger, chain }) => `${trigger} ${chain.id}`)).size).toBe(1);
  });

  it("ends before its wall, hop after hop, so that the platform cuts none", async () => {
    const workerd = await world.start({
      handlerMs: scaled(120),
      drain: { batchSize: 10 },
      worker: { plan: "paid", wallMs: { alarm: scaled(2_500) }, marginMs: scaled(800) },
      limits: { wallMs: { alarm: scaled(2_500) } },
    });
    await world.push(400);
    await workerd.tick();
    await workerd.chainEnd();
    expect(workerd.reports.length).toBeGreaterThan(2);
    expect(workerd.reports.slice(0, -1).map(({ stopped }) => stopped)).toEqual(
      workerd.reports.slice(1).map(() => "budget"),
    );
    expect(workerd.invocations.filter(({ isCut }) => isCut)).toEqual([]);
    expect((await world.done()).length).toBe(400);
    expect(await world.left()).toEqual({});
  });

  it("is 100 hops long and more, each an invocation of its own", async () => {
    const workerd = await world.start({ drain: { batchSize: 2 }, worker: { requestsMax: 12 } });
    await world.push(700);
    await workerd.tick();
    await workerd.chainEnd();
    expect(workerd.reports.length).toBeGreaterThan(100);
    expect(workerd.reports.map(({ chain }) => chain.hop)).toEqual(workerd.reports.map((_, at) => at));
    await until(() => workerd.invocations.length === workerd.reports.length + 1);
    expect(workerd.invocations.filter(({ trigger }) => trigger === "alarm").length).toBe(
      workerd.reports.length,
    );
    const done = await world.done();
    expect(done.length).toBe(700);
    expect(new Set(done).size).toBe(700);
    expect(await world.left()).toEqual({});
  });

  it("goes on by itself, without a tick, when Redis has been away", async () => {
    let isAway = false;
    const proxy = await startHttpProxy({
      target: world.rest.url,
      decide: () => (isAway ? "drop-request" : "pass"),
    });
    const workerd = await world.start({ handlerMs: 20, drain: { batchSize: 10 } }, { redisUrl: proxy.url });
    await world.push(200);
    await workerd.tick();
    await until(async () => (await world.done()).length >= 50);
    isAway = true;
    const failed = await workerd.report(({ stopped }) => stopped === "error");
    isAway = false;
    await world.endLeases();
    await workerd.report(({ chain }) => chain.id === failed.chain.id && chain.hop === failed.chain.hop + 1);
    await world.tickUntilEmpty(workerd);
    expect(new Set(await world.done()).size).toBe(200);
    expect(await world.left()).toEqual({});
    await world.stopWorkers();
    await proxy.close();
  });

  it("loses nothing when its process is killed in mid-batch, and goes on by itself when that is back", async () => {
    // Hops of 2 s, and so leases of 7 s; on a slower machine more, for its handlers take longer too.
    const settings = {
      handlerMs: scaled(100),
      drain: { batchSize: 50 },
      worker: { plan: "paid", cpuMs: 1_000 + scaled(2_000) },
    } as const;
    const first = await world.start(settings, { storagePath });
    await world.push(1_000);
    await first.tick();
    await until(async () => (await world.done()).length >= 200);
    await first.kill();
    const doneAtDeath = (await world.done()).length;
    expect(first.reports).toEqual([]);
    expect((await world.side.redis.zcard("{mail}:leases")) > 0).toBe(true);

    // No tick, and no lease is ended for it: it finds the lease of the dead, waits for its end, and takes over.
    const second = await world.start(settings, { storagePath });
    expect(await second.report(({ trigger }) => trigger === "alarm")).toMatchObject({ stopped: "busy" });
    await second.report(({ remaining }) => remaining === 0);
    expect(second.invocations.map(({ trigger }) => trigger)).not.toContain("cron");
    const done = await world.done();
    expect(new Set(done).size).toBe(1_000);
    expect(done.length - 1_000).toBeLessThanOrEqual(100);
    expect(doneAtDeath).toBeLessThan(1_000);
    expect(await world.left()).toEqual({});
  });
});

describe("a Worker, in workerd,", () => {
  const world = useWorld();

  it.each([1, 2])("drains once each with two processes racing, maxConcurrency %i", async (maxConcurrency) => {
    const settings = { continuation: "none" as const, worker: { plan: "paid" as const } };
    const racing = await Promise.all(
      [1, 2].map(() => world.start({ ...settings, handlerMs: 20, drain: { maxConcurrency, batchSize: 50 } })),
    );
    await world.push(2_000);
    await Promise.all(racing.map((workerd) => workerd.tick()));
    const reports = racing.flatMap((workerd) => [...workerd.reports]);
    expect(reports.map(({ stopped }) => stopped).sort()).toEqual(
      maxConcurrency === 1 ? ["busy", "empty"] : ["empty", "empty"],
    );
    if (maxConcurrency === 2) expect(Math.min(...reports.map(({ acked }) => acked))).toBeGreaterThan(0);
    const done = await world.done();
    expect(done.length).toBe(2_000);
    expect(new Set(done).size).toBe(2_000);
    expect(await world.left()).toEqual({});
  });
});
