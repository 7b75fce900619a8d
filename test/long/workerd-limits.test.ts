import { describe, expect, it } from "vitest";
import { measureTimeScale } from "../support/time-scale.ts";
import { useWorld } from "../workerd/world.ts";

const scaled = measureTimeScale();

describe("a Worker within its platform's limits, in workerd,", () => {
  const world = useWorld();

  it("never sends more than the free plan's 50 subrequests, its handlers' included, and uses most of them", async () => {
    const workerd = await world.start({
      handler: "each",
      worker: { requestsPerMessage: 1 },
      limits: { requestsMax: 50 },
    });
    await world.push(600);
    await workerd.tick();
    await workerd.chainEnd();
    const done = await world.done();
    expect(done.length).toBe(600);
    expect(new Set(done).size).toBe(600);
    const counts = workerd.invocations.map(({ requests }) => requests);
    expect(Math.max(...counts)).toBeLessThanOrEqual(50);
    expect(Math.max(...counts)).toBeGreaterThan(35);
    expect(await world.left()).toEqual({});
  });

  it("loses nothing when the platform cuts it off in mid-batch", async () => {
    const cut = await world.start({
      handlerMs: scaled(100),
      drain: { batchSize: 10 },
      limits: { wallMs: { http: scaled(700) } },
    });
    await world.push(100);
    await cut.request("/drain", { headers: { Prefer: "respond-async" } });
    await cut.log((line) => line.includes('"cut":"http"'));
    expect((await world.done()).length).toBeGreaterThan(0);
    await world.tickUntilEmpty(await world.start());
    expect(cut.reports).toEqual([]);
    const done = await world.done();
    expect(new Set(done).size).toBe(100);
    // What it had in hand when it was cut: one batch in the handler, one that it could no longer settle.
    expect(done.length).toBeLessThanOrEqual(120);
  });
});
