import { describe, expect, it } from "vitest";
import { measureTimeScale } from "../support/time-scale.ts";
import { until } from "../support/until.ts";
import { useWorld } from "../workerd/world.ts";

const scaled = measureTimeScale();

describe("an alarm chain, in workerd,", () => {
  const world = useWorld();

  it("that one tick began goes on hop after hop, drains each message once, and leaves nothing", async () => {
    const workerd = await world.start({ drain: { batchSize: 10 }, worker: { requestsMax: 14 } });
    await world.push(600);
    await workerd.tick();
    await workerd.chainEnd();
    const done = await world.done();
    expect(done.length).toBe(600);
    expect(new Set(done).size).toBe(600);
    expect(await world.left()).toEqual({});
    expect(workerd.reports.length).toBeGreaterThan(10);
    expect(workerd.reports.map(({ chain }) => chain.hop)).toEqual(workerd.reports.map((_, at) => at));
    expect(new Set(workerd.reports.map(({ trigger, chain }) => `${trigger} ${chain.id}`)).size).toBe(1);
  });

  it("wakes by itself when the next delayed message is due", async () => {
    const workerd = await world.start({
      failing: "late-",
      handler: "each",
      drain: { retryDelay: { baseMs: scaled(400), maxMs: scaled(400) } },
    });
    await world.push(20);
    await world.push(5, "mail", "late-");
    await workerd.tick();
    await workerd.chainEnd();
    const done = await world.done();
    expect(done.length).toBe(25);
    expect(new Set(done).size).toBe(25);
    expect(await world.left()).toEqual({});
    expect(workerd.reports[0]).toMatchObject({ stopped: "empty", continuedWith: "alarm" });
  });

  it("is left alone by the ticks that find it alive: they cost Redis nothing and begin no other", async () => {
    const workerd = await world.start({ handlerMs: scaled(100), drain: { batchSize: 10 } });
    await world.push(120);
    await workerd.tick();
    await until(async () => (await world.done()).length > 0);
    for (let tick = 0; tick < 3; tick++) await workerd.tick();
    await workerd.chainEnd();
    await until(() => workerd.invocations.length === 5);
    expect(workerd.reports.length).toBe(1);
    const ticks = workerd.invocations.filter(({ trigger }) => trigger === "cron");
    expect(ticks.map(({ requests }) => requests)).toEqual([0, 0, 0, 0]);
    expect((await world.done()).length).toBe(120);
  });

  it("begins at once at a tick that finds its alarm set for later, and sets it again", async () => {
    const workerd = await world.start({
      failing: "late-",
      handler: "each",
      drain: { retryDelay: { baseMs: 86_400_000, maxMs: 86_400_000 } },
    });
    await world.push(1, "mail", "late-");
    await workerd.tick();
    await workerd.report(({ continuedWith }) => continuedWith === "alarm");
    await world.push(30);
    await workerd.tick();
    await workerd.report(({ acked }) => acked === 30);
    expect(workerd.reports.map(({ continuedWith }) => continuedWith)).toEqual(["alarm", "alarm"]);
    expect((await world.done()).length).toBe(30);
    expect(await world.side.delayed("mail")).toEqual(["late-0"]);
  });
});
