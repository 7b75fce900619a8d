import { describe, expect, it } from "vitest";
import { slotOf } from "../../src/scale/scale.ts";
import { measureTimeScale } from "../support/time-scale.ts";
import { until } from "../support/until.ts";
import { useWorld } from "../workerd/world.ts";

const scaled = measureTimeScale();
const messageCount = 1_200;

describe("the Durable Objects of a list, in workerd,", () => {
  const world = useWorld();

  it("are started by the one that the tick began, up to maxConcurrency, and handle each message once", async () => {
    const workerd = await world.start({
      handlerMs: scaled(50),
      withinMs: scaled(100),
      drain: { batchSize: 10, maxConcurrency: 4 },
    });
    for (const burst of [1, 2]) {
      await world.push(messageCount, "mail", `burst-${burst}-`);
      const seen = workerd.reports.length;
      await workerd.tick();
      await until(async () => (await world.done()).length >= burst * messageCount);
      await until(async () => Object.keys(await world.left()).length === 0);
      const slots = () => new Set(workerd.reports.slice(seen).map(({ chain }) => slotOf(chain.id)));
      // A drain reports after its last settle, and the host's log takes its time.
      await until(() => slots().size >= 4);
      const reports = workerd.reports.slice(seen);
      expect(slots()).toEqual(new Set([0, 1, 2, 3]));
      expect(new Set(await world.done()).size).toBe(burst * messageCount);
      expect(new Set(reports.map(({ trigger }) => trigger))).toEqual(new Set(["alarm"]));
    }
  });

  it("that find their slots taken end, and do no harm", async () => {
    const workerd = await world.start({
      handlerMs: scaled(50),
      withinMs: 1,
      drain: { batchSize: 10, maxConcurrency: 2 },
    });
    await world.push(messageCount);
    await workerd.tick();
    await until(async () => (await world.done()).length >= messageCount);
    await until(async () => Object.keys(await world.left()).length === 0);
    expect(new Set(await world.done()).size).toBe(messageCount);
  });
});
