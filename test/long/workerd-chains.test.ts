import { describe, expect, it } from "vitest";
import { signRequest } from "../../adapters/continue/signed/index.ts";
import { writeHop } from "../../src/index.ts";
import { deliverySignature, QstashServer } from "../support/qstash-server.ts";
import { testToken } from "../support/redis.ts";
import { measureTimeScale } from "../support/time-scale.ts";
import { until } from "../support/until.ts";
import { signingKey } from "../support/workerd.ts";
import { useWorld } from "../workerd/world.ts";

const scaled = measureTimeScale();

describe("other chains, in workerd:", () => {
  const world = useWorld();
  /** Requests of the handlers count too: one a message at most. */
  const counted = { requestsMax: 20, requestsPerMessage: 1 };
  const small = { drain: { batchSize: 5 }, worker: { requestsMax: 14 } };

  it("a service binding goes on until just before the wall, declines, and the next tick goes on", async () => {
    const workerd = await world.start({ ...small, continuation: "binding", limits: { depthMax: 16 } });
    await world.push(600);
    await workerd.tick();
    const end = await workerd.report(({ declined }) => declined !== null);
    expect(end).toMatchObject({ trigger: "http", chain: { hop: 14 }, continuedWith: null });
    expect(workerd.reports.map(({ chain }) => chain.hop)).toEqual(
      Array.from({ length: 15 }, (_, hop) => hop),
    );
    while ((await world.side.redis.llen("mail")) > 0) {
      const seen = workerd.reports.length;
      await workerd.tick();
      await workerd.report(
        (report) => report.continuedWith === null && workerd.reports.indexOf(report) >= seen,
      );
    }
    expect(workerd.refusedDepths).toEqual([]);
    const done = await world.done();
    expect(done.length).toBe(600);
    expect(new Set(done).size).toBe(600);
    expect(await world.left()).toEqual({});
  });

  it("a service binding told to use all 16 calls makes the 16th, and never the 17th", async () => {
    const workerd = await world.start({
      ...small,
      continuation: "binding-to-the-wall",
      limits: { depthMax: 16 },
    });
    await world.push(1_000);
    await workerd.tick();
    const end = await workerd.report(({ declined }) => declined !== null);
    expect(end.chain.hop).toBe(16);
    await workerd.invocation(({ depth }) => depth === 16);
    expect(workerd.refusedDepths).toEqual([]);
  });

  it("a Queue's messages carry a chain of any length, and the timer for what is delayed", async () => {
    const workerd = await world.start({
      ...small,
      continuation: "queue",
      handler: "each",
      failing: "late-",
      drain: { batchSize: 5, retryDelay: { baseMs: scaled(300), maxMs: scaled(300) } },
    });
    await world.push(3, "mail", "late-");
    await world.push(600);
    await workerd.tick();
    await workerd.chainEnd();
    const triggers = workerd.reports.map(({ trigger }) => trigger);
    expect(triggers).toEqual(["cron", ...triggers.slice(1).map(() => "queue")]);
    expect(triggers.length).toBeGreaterThan(17);
    const done = await world.done();
    expect(done.length).toBe(603);
    expect(new Set(done).size).toBe(603);
    expect(await world.left()).toEqual({});
  });

  it("signed calls over HTTP carry a chain within the plan's subrequests; what is not signed, or replayed, does nothing", async () => {
    const workerd = await world.start({
      worker: counted,
      drain: { batchSize: 5 },
      continuation: "signed",
      limits: { requestsMax: 20 },
    });
    await world.push(150);
    await workerd.tick();
    await workerd.chainEnd();
    expect(workerd.reports.map(({ trigger }) => trigger)).toEqual(
      workerd.reports.map((_, hop) => (hop === 0 ? "cron" : "http")),
    );
    expect(workerd.reports.map(({ chain }) => chain.hop)).toEqual(workerd.reports.map((_, hop) => hop));
    expect(workerd.reports.length).toBeGreaterThan(10);

    await world.push(3);
    const body = JSON.stringify(writeHop({ list: "mail", chain: { id: "c", hop: 1 } }));
    const asked = { method: "POST", url: workerd.url, body };
    const headers = await signRequest(asked, { key: signingKey });
    const forged = await signRequest(asked, { key: signingKey.toUpperCase() });
    const call = async (init: object): Promise<number> =>
      (await fetch(workerd.url, { method: "POST", body, ...init })).status;
    const runs = workerd.reports.length;
    expect([
      await call({}),
      await call({ headers: forged }),
      await call({ headers, body: `${body} ` }),
    ]).toEqual([401, 401, 401]);
    expect(await call({ headers })).toBe(202);
    await workerd.report(({ acked }) => acked === 3);
    expect(await call({ headers })).toBe(401);
    expect(workerd.reports.length).toBe(runs + 1);
    const done = await world.done();
    expect([done.length, new Set(done).size]).toEqual([153, 150]);
  });

  it("QStash carries a chain, and its timer what is delayed; a delivery that it has not signed does nothing", async () => {
    const service = new QstashServer({ token: testToken, signingKey, waits: true });
    const workerd = await world.start(
      {
        worker: counted,
        continuation: "qstash",
        handler: "each",
        failing: "late-",
        limits: { requestsMax: 20 },
        drain: { batchSize: 3 },
        retryAfterMs: scaled(1_500),
      },
      { qstashUrl: await service.start() },
    );
    const forged = deliverySignature({ destination: workerd.url, body: "{}", key: "another" });
    const answer = await fetch(workerd.url, {
      method: "POST",
      headers: { "upstash-signature": forged },
      body: "{}",
    });
    expect([answer.status, workerd.reports.length]).toEqual([401, 0]);

    await world.push(60);
    // The last of the list: when they have failed, nothing is left to do but to wait for them.
    await world.push(2, "mail", "late-");
    await workerd.tick();
    await until(async () => (await world.done()).length >= 62);
    await workerd.chainEnd();
    await service.idle();
    expect(workerd.reports.length).toBeGreaterThan(10);
    expect(new Set(await world.done()).size).toBe(62);
    expect(service.published.some(({ headers }) => headers["upstash-not-before"] !== undefined)).toBe(true);
    await service.close();
  });
});
