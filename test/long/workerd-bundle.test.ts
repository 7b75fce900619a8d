import { expect, it } from "vitest";
import { bundleWorker, gzippedBytes, gzippedBytesMax } from "../../infra/cloudflare/bundle.ts";
import { startWorkerd } from "../support/workerd.ts";
import { useWorld } from "../workerd/world.ts";

const world = useWorld();

it("the Worker of infra/cloudflare, bundled as wrangler deploys it, is small enough, and drains in workerd", async () => {
  const script = bundleWorker();
  expect(gzippedBytes(script)).toBeLessThanOrEqual(gzippedBytesMax);
  expect(gzippedBytes(script)).toBeGreaterThan(10_000);

  const workerd = await startWorkerd({ redisUrl: world.rest.url, list: "mail", script });
  await world.push(120);
  await workerd.tick();
  const line = await workerd.log((text) => text.includes('"acked":120'));
  expect(JSON.parse(line)).toMatchObject({
    spillway: { trigger: "alarm", list: "mail", chain: { hop: 0 }, stopped: "empty" },
  });
  expect(await world.left()).toEqual({});
  expect(workerd.logs.filter((text) => text.includes('"attempt":1')).length).toBe(120);

  const answer = await workerd.request("/drain");
  expect([answer.status, await answer.json()]).toMatchObject([200, { stopped: "empty", commands: 1 }]);
  expect(workerd.logs.filter((text) => text.includes("spillway")).length).toBe(1);
  await workerd.stop();
});
