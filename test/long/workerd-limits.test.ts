import { describe, expect, it } from "vitest";
import { measureTimeScale } from "../support/time-scale.ts";
import { useWorld } from "../workerd/world.ts";

const scaled = measureTimeScale();

describe("a Worker among its callers and its platform's limits, in workerd,", () => {
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

  it("answers 202 at once to a caller who asks for that, and drains", async () => {
    const workerd = await world.start({ handlerMs: scaled(500) });
    await world.push(100);
    const answer = await workerd.request("/drain", { headers: { Prefer: "respond-async" } });
    expect([answer.status, await answer.json()]).toEqual([202, { status: "started" }]);
    expect(workerd.reports).toEqual([]);
    await workerd.report(({ stopped }) => stopped === "empty");
    expect((await world.done()).length).toBe(100);
    expect(await world.left()).toEqual({});

    const refused = await workerd.request("/drain", {
      headers: { Prefer: "respond-async", Authorization: "Bearer wrong" },
    });
    expect(refused.status).toBe(401);
  });

  it("goes on when the caller hangs up", async () => {
    const workerd = await world.start({ handlerMs: scaled(100), drain: { batchSize: 10 } });
    await world.push(100);
    await workerd.request("/drain", { headers: { "x-fixture-hang-up-ms": "150" } });
    expect(workerd.reports).toEqual([]);
    expect(await workerd.report(({ stopped }) => stopped === "empty")).toMatchObject({ acked: 100 });
    expect((await world.done()).length).toBe(100);
  });

  it("keeps apart two environments that one isolate serves at once", async () => {
    const workerd = await world.start({ handlerMs: 50, drain: { batchSize: 20 } });
    await Promise.all([world.push(200, "left"), world.push(200, "right")]);
    const answers = await Promise.all(
      ["left", "right", "left", "right"].map((list) =>
        workerd.request("/drain", { headers: { "x-fixture-list": list } }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    for (const list of ["left", "right"]) {
      const done = await world.done(list);
      expect(done.length).toBe(200);
      expect(new Set(done).size).toBe(200);
      expect(done.every((payload) => payload.startsWith(`${list}-`))).toBe(true);
    }
  });
});
