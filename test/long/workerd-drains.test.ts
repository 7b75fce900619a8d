import { describe, expect, it } from "vitest";
import { useWorld } from "../workerd/world.ts";

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
