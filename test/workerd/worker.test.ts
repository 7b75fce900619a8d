import { describe, expect, it } from "vitest";
import { measureTimeScale } from "../support/time-scale.ts";
import { useWorld } from "./world.ts";

/** What a slower machine gets more of: time for what must be done within it, and time that handlers take. */
const scaled = measureTimeScale();

describe("a Worker, in workerd,", () => {
  const world = useWorld();

  it("drains over HTTP, for those who know the token", async () => {
    const workerd = await world.start();
    await world.push(250);
    const before = await world.side.everything();
    const strangers = [{ Authorization: "Bearer wrong" }, { Authorization: "" }];
    for (const headers of strangers) {
      expect((await workerd.request("/drain", { headers })).status).toBe(401);
    }
    expect(await world.side.everything()).toEqual(before);

    const answer = await workerd.request("/drain");
    expect([answer.status, await answer.json()]).toMatchObject([200, { acked: 250, stopped: "empty" }]);
    expect(new Set(await world.done()).size).toBe(250);
    expect((await world.done()).length).toBe(250);
    expect(await world.left()).toEqual({});
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

  it("with no continuation drains in the tick itself, and the next tick goes on", async () => {
    const workerd = await world.start({
      continuation: "none",
      drain: { batchSize: 10 },
      worker: { requestsMax: 20 },
    });
    await world.push(300);
    for (let tick = 0; tick < 9 && (await world.done()).length < 300; tick++) await workerd.tick();
    expect(workerd.reports.every(({ trigger }) => trigger === "cron")).toBe(true);
    expect(workerd.reports.length).toBeGreaterThan(1);
    expect((await world.done()).length).toBe(300);
    expect(await world.left()).toEqual({});
  });
});
