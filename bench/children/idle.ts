/** What it costs to find nothing, ten minutes long. Usage: idle.ts <peer> <place as JSON> */
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import { upstash } from "../../adapters/redis/upstash.ts";
import { createDrain } from "../../src/index.ts";
import { connectionTo } from "../peers/bullmq.ts";
import { type Place, queueName } from "../peers/types.ts";

const [, , peer, placeJson = ""] = process.argv;
const place = JSON.parse(placeJson) as Place;
const side = new Redis(place.redisUrl, { protocol: 2 });
await side.flushall();
const tenMinutes = 600_000;
/** A worker that waits does the same over and over: a part of the time says it all. */
const watchedMs = 30_000;
let scale = 1;
await side.config("RESETSTAT");
if (peer === "Spillway, REST") {
  // A tick a minute.
  const drain = createDrain({
    redis: upstash({ url: place.url, token: place.token }),
    list: queueName,
    handler: () => undefined,
  });
  for (let tick = 0; tick < 10; tick++) await drain.run();
} else {
  const worker = new Worker(queueName, async () => undefined, { connection: connectionTo(place.url) });
  await worker.waitUntilReady();
  await new Promise((resolve) => setTimeout(resolve, watchedMs));
  scale = tenMinutes / watchedMs;
}
const info = await side.info("commandstats");
let commands = 0;
for (const [, name, calls] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
  if (!/^(config|info|client|select|hello|auth|command)/.test(name as string)) commands += Number(calls);
}
process.send?.({ commands: commands * scale });
process.exit();
