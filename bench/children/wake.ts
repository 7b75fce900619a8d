/**
 * How long a message takes from its push to an empty list until it is handled, where that push wakes a drain. Usage:
 * wake.ts <order as JSON>
 */
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { startServer, startWorker } from "../../adapters/hosts/node/server.ts";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { createDrain } from "../../src/index.ts";
import { bundleFunction } from "../../test/support/lambda/bundle.ts";
import { startLambda } from "../../test/support/lambda/emulator.ts";
import { startWorkerd } from "../../test/support/workerd.ts";
import { queueName as list, type Place } from "../peers/types.ts";
import type { Latency } from "./latency.ts";

export interface WakeOrder {
  readonly host: "startWorker, TCP" | "startServer, /wake" | "workerd, /wake" | "Lambda, /wake";
  readonly place: Place;
  readonly count: number;
}

/** A host that is up: how a message is pushed so that it wakes, and when it was handled. */
interface Host {
  push(payload: string): Promise<unknown>;
  handled(): Promise<unknown>;
  close(): Promise<unknown>;
}

const { host, place, count } = JSON.parse(process.argv[2] as string) as WakeOrder;
const { url, token } = place;
const side = new Redis(place.redisUrl, { protocol: 2 });
const noted = (): Promise<unknown> => side.blpop(`done-${list}`, 30);

/** Resolves each wait with the next message that the handler got. */
function told(): { handler(): void; handled(): Promise<void> } {
  let tell: () => void = () => undefined;
  return { handler: () => tell(), handled: () => new Promise((resolve) => (tell = resolve)) };
}

const hosts: Record<WakeOrder["host"], () => Promise<Host>> = {
  "startWorker, TCP": async () => {
    const { handler, handled } = told();
    const worker = startWorker(createDrain({ redis: ioredis({ url }), list, handler }), {
      onReport: () => undefined,
    });
    const producer = new Redis(url, { protocol: 2 });
    return { handled, push: (payload) => producer.lpush(list, payload), close: () => worker.stop() };
  },
  "startServer, /wake": async () => {
    const { handler, handled } = told();
    const redis = upstash({ url, token });
    const server = await startServer(createDrain({ redis, list, handler }), {
      port: 0,
      wakeToken: token,
      onReport: () => undefined,
    });
    return { handled, push: pushAndCall(`${server.url}/wake`), close: () => server.stop() };
  },
  "workerd, /wake": async () => {
    const workerd = await startWorkerd({ redisUrl: url, list });
    const wake = new URL("/wake", workerd.url).href;
    return { handled: noted, push: pushAndCall(wake), close: () => workerd.stop() };
  },
  "Lambda, /wake": async () => {
    const entry = fileURLToPath(new URL("./wake-function.ts", import.meta.url));
    const { file, remove } = await bundleFunction(entry);
    const lambda = await startLambda();
    const environment = { REDIS_URL: url, REDIS_TOKEN: token, LIST: list };
    lambda.create({ name: "drain", file, timeoutMs: 30_000, recursiveLoop: "Allow", environment });
    return {
      handled: noted,
      push: pushAndCall(`${lambda.functionUrl("drain")}/wake`),
      close: async () => {
        await lambda.stop();
        await remove();
      },
    };
  },
};

/** What docs/wake.md says of producers that have no drain. */
function pushAndCall(wake: string): Host["push"] {
  const redis = upstash({ url, token });
  return async (payload) => {
    if ((await redis.command(["LPUSH", list, payload])) !== 1) return;
    const answer = await fetch(wake, { method: "POST", headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) throw new Error(`The wake was answered ${answer.status}.`);
  };
}

await side.flushall();
const { push, handled, close } = await hosts[host]();
const times: number[] = [];
// The first few find a host that has just started; they do not count.
for (let sent = -3; sent < count; sent++) {
  const done = handled();
  const startedAt = performance.now();
  await Promise.all([push(String(sent)), done.then(() => times.push(performance.now() - startedAt))]);
  // Until the drain that was woken has ended.
  await new Promise((resolve) => setTimeout(resolve, 100));
}
await close();
const sorted = times.slice(3).sort((a, b) => a - b);
const at = (share: number): number => sorted[Math.floor(sorted.length * share)] as number;
process.send?.({ p50: at(0.5), p99: at(0.99) } satisfies Latency);
process.exit();
