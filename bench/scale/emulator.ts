/**
 * Runs bursts on the Lambda emulator of the tests, in real processes over REST to a real Redis, and writes what they came to
 * beside what is simulated for them. Takes about a minute.
 */
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { bundleFunction } from "../../test/support/lambda/bundle.ts";
import { type Invocation, type Lambda, startLambda } from "../../test/support/lambda/emulator.ts";
import { startRest, startTestRedis, testToken } from "../../test/support/redis.ts";
import { whole, writeInto } from "../markdown.ts";
import { comparison, type Emulated } from "./emulated.ts";

/** As the function has it, which is the one that the tests of chains deploy. */
const burst = { messages: 20_000, handlerMs: 200, concurrency: 50, batchSize: 100, maxConcurrency: 8 };
const burstCount = 2;
const list = "mail";

const server = await startTestRedis();
const rest = await startRest(server);
const redis = new Redis(server.url, { protocol: 2 });
const entry = fileURLToPath(new URL("../../test/support/lambda/functions/drain.ts", import.meta.url));
const { file, remove } = await bundleFunction(entry);
const lambda = await startLambda();
lambda.create({
  name: "drain",
  file,
  timeoutMs: 60_000,
  recursiveLoop: "Allow",
  environment: {
    REDIS_URL: rest.url,
    REDIS_TOKEN: testToken,
    LIST: list,
    BUDGET_MS: "30000",
    WORK_MS: String(burst.handlerMs),
    MAX_CONCURRENCY: String(burst.maxConcurrency),
    SPILLWAY_RECURSIVE_LOOP: "Allow",
  },
});
const measured: Emulated[] = [];
while (measured.length < burstCount) measured.push(await drained(lambda));
await lambda.stop();
await remove();
redis.disconnect();
await rest.close();
await server.stop();

const says = `${whole(burst.messages)} messages, ${burst.concurrency} handlers of ${burst.handlerMs} ms at once in each drain, \`maxConcurrency: ${burst.maxConcurrency}\`. The start is what the process of the middle invocation took; the simulation is given it, and the round trip.`;
const put = `${says}\n\n${comparison(burst, measured)}`;
console.log(put);
await writeInto("scale.md", { emulated: put });

/** One tick, and what comes of it, looked at all the time. */
async function drained(on: Lambda): Promise<Emulated> {
  const payloads = Array.from({ length: burst.messages }, (_, at) => String(at));
  for (let at = 0; at < payloads.length; at += 5_000)
    await redis.lpush(list, ...payloads.slice(at, at + 5_000));
  const roundTripMs = await roundTrip();
  const before = on.invocations.length;
  /** When each chain was asked for; the tick's has no name. */
  const askedAt = new Map<string, number>([["", Date.now()]]);
  on.decide = ({ event }) => {
    const chainId = chainOf(event);
    if (chainId && !askedAt.has(chainId)) askedAt.set(chainId, Date.now());
    return "pass";
  };
  const tickedAt = Date.now();
  const ramp: { atMs: number; live: number }[] = [];
  let emptyMs = Number.POSITIVE_INFINITY;
  await on.invoke("drain", { spillway: "tick" }, { type: "Event" });
  const idle = on.idle().then(() => true);
  const moment = (): Promise<false> => new Promise((resolve) => setTimeout(() => resolve(false), 20));
  while (!(await Promise.race([idle, moment()]))) {
    const [batches, waiting] = await Promise.all([
      redis.zrange(`{${list}}:leases`, 0, "-1"),
      redis.llen(list),
    ]);
    const live = new Set(batches.map((batch) => batch.replace(/\.\d+$/, ""))).size;
    const atMs = Date.now() - tickedAt;
    ramp.push({ atMs, live });
    if (live + waiting === 0 && ramp.some((point) => point.live > 0)) emptyMs = Math.min(emptyMs, atMs);
  }
  // It may have become empty since the last look.
  emptyMs = Math.min(emptyMs, Date.now() - tickedAt);
  if ((await redis.dbsize()) > 0) throw new Error("The burst was not handled whole.");
  const begun = on.invocations.slice(before);
  const firsts = begun.filter(
    (one, at) => begun.findIndex(({ event }) => chainOf(event) === chainOf(one.event)) === at,
  );
  const startsMs = firsts.flatMap((one) => startOf(one, askedAt));
  // Those that come later find no slot.
  return { ramp, emptyMs, startsMs: startsMs.slice(0, burst.maxConcurrency), roundTripMs };
}

function startOf({ event, startedAt }: Invocation, askedAt: ReadonlyMap<string, number>): number[] {
  const asked = askedAt.get(chainOf(event));
  return asked === undefined ? [] : [startedAt - asked];
}

function chainOf(event: unknown): string {
  return (event as { spillway?: { chainId?: string } }).spillway?.chainId ?? "";
}

/** One command as the function sends it, ms: the middle of several. */
async function roundTrip(): Promise<number> {
  const headers = { authorization: `Bearer ${testToken}` };
  const took: number[] = [];
  for (let sent = 0; sent < 15; sent++) {
    const sentAt = performance.now();
    await (await fetch(rest.url, { method: "POST", headers, body: '["PING"]' })).text();
    took.push(performance.now() - sentAt);
  }
  return took.sort((a, b) => a - b)[7] as number;
}
