import { expect, it } from "vitest";
import { startWorker } from "../../adapters/hosts/node/server.ts";
import { startRedisServer } from "../../adapters/local/redis-process.ts";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { createDrain, type DrainReport } from "../../src/index.ts";
import { until } from "../support/until.ts";

it("a worker goes on when Redis was away", async () => {
  const away = await startRedisServer();
  const { port } = away;
  const seen: string[] = [];
  const reports: DrainReport[] = [];
  const handler = ({ payload }: { payload: string }): void => void seen.push(payload);
  const drain = createDrain({ redis: ioredis({ url: away.url }), list: "mail", handler });
  const worker = startWorker(drain, {
    stopsBySignal: false,
    onReport: (report) => void reports.push(report),
  });
  await until(() => reports.length > 0);
  await away.stop();
  await until(() => reports.some(({ stopped }) => stopped === "error"));
  const back = await startRedisServer({ port });
  try {
    const client = ioredis({ url: back.url });
    await client.command(["LPUSH", "mail", "a"]);
    await client.close();
    await until(() => seen.length > 0);
    expect(seen).toEqual(["a"]);
  } finally {
    await worker.stop();
    await drain.close();
    await back.stop();
  }
});
