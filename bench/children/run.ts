/**
 * One run of one peer over what fill.ts has put there, in a process of its own, so that its memory and time are its own.
 * Usage: run.ts <order as JSON>
 */
import { Redis } from "ioredis";
import { type PeerName, peers } from "../peers/index.ts";
import type { Peer, Place } from "../peers/types.ts";
import { type Spent, startProfile } from "../profiler.ts";

/** The longest that a run may take, ms. */
const runMsMax = 300_000;

export interface Order {
  readonly peer: PeerName;
  readonly place: Place;
  readonly count: number;
  readonly payloadBytes: number;
  readonly concurrency: number;
  readonly handlerMs?: number;
  readonly batchSize?: number;
  readonly chains?: number;
  /** Live drains that the list takes; default: `chains`. */
  readonly slots?: number;
  /** One in so many messages fails once. */
  readonly failsEvery?: number;
  /** Messages that a consumer who died has left in the working list. */
  readonly stuckCount?: number;
  readonly isProfiled?: boolean;
}

export interface Measured {
  readonly ms: number;
  readonly perSecond: number;
  /** HTTP requests a message; null for TCP. */
  readonly requests: number | null;
  /** Redis commands a message, as Redis counts them, those inside scripts too. */
  readonly commands: number;
  readonly clientCpuUs: number;
  readonly redisCpuUs: number;
  /** Of the handler slots, while the peer ran; null for handlers that do nothing. */
  readonly busy: number | null;
  /** The most memory that the process held. */
  readonly rssMb: number;
  /** How much it grew after a twentieth of the messages, and after a fifth, when V8's heap has its working size. */
  readonly rssGrowthMb: number;
  readonly rssGrowthWarmMb: number;
  /** Where the client's time went, if asked. */
  readonly spent?: readonly Spent[];
}

const order = JSON.parse(process.argv[2] as string) as Order;
const { place, count } = order;
const peer: Peer = peers[order.peer];
const side = new Redis(place.redisUrl, { protocol: 2 });

let requestCount = 0;
const fetchAsIs = globalThis.fetch;
globalThis.fetch = (...args) => {
  requestCount++;
  return fetchAsIs(...args);
};
await side.config("RESETSTAT");
const redisCpuBefore = await redisCpuUs();
const rss = watchRss();
const cpuBefore = process.cpuUsage();
const endProfile = order.isProfiled ? await startProfile() : undefined;
// A peer that has lost a message would wait for it for ever.
const overtime = setTimeout(() => process.exit(1), runMsMax);
const startedAt = performance.now();
let handled = 0;
let busyMs = 0;
const failed = new Set<string>();

await peer.consume(place, { ...order, handler: handle });

const ms = performance.now() - startedAt;
clearTimeout(overtime);
const cpu = process.cpuUsage(cpuBefore);
const redisCpu = (await redisCpuUs()) - redisCpuBefore;
if (handled !== count) throw new Error(`${order.peer} handled ${handled} of ${count} messages.`);
const measured: Measured = {
  ms,
  perSecond: (count / ms) * 1_000,
  requests: peer.transport === "rest" ? requestCount / count : null,
  commands: (await commandCount()) / count,
  clientCpuUs: (cpu.user + cpu.system) / count,
  redisCpuUs: redisCpu / count,
  busy: order.handlerMs ? busyMs / (order.concurrency * ms) : null,
  ...rss.measured(),
  ...(endProfile && { spent: await endProfile() }),
};
process.send?.(measured);
process.exit();

async function handle(payload: string): Promise<void> {
  const startedAt = performance.now();
  if (order.handlerMs) await new Promise((resolve) => setTimeout(resolve, order.handlerMs));
  busyMs += performance.now() - startedAt;
  const number = Number.parseInt(payload, 10);
  if (order.failsEvery && number % order.failsEvery === 0 && !failed.has(payload)) {
    failed.add(payload);
    throw new Error("as told");
  }
  handled++;
}

async function commandCount(): Promise<number> {
  const info = await side.info("commandstats");
  let total = 0;
  for (const [, name, calls] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
    if (!/^(config|info|client|select|hello|auth|command)/.test(name as string)) total += Number(calls);
  }
  return total;
}

async function redisCpuUs(): Promise<number> {
  const info = await side.info("cpu");
  const read = (name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1]);
  return (read("used_cpu_user") + read("used_cpu_sys")) * 1e6;
}

/** How much the memory of this process grows after the first twentieth of the messages, and after the first fifth. */
function watchRss() {
  let base: number | null = null;
  let warmBase: number | null = null;
  let most = 0;
  const look = (): void => {
    const now = process.memoryUsage.rss();
    if (handled > count / 20) base ??= now;
    if (handled > count / 5) warmBase ??= now;
    most = Math.max(most, now);
  };
  setInterval(look, 50).unref();
  const measured = (): Pick<Measured, "rssMb" | "rssGrowthMb" | "rssGrowthWarmMb"> => {
    look();
    const megabytes = (bytes: number): number => bytes / 1024 / 1024;
    return {
      rssMb: megabytes(most),
      rssGrowthMb: megabytes(most - (base ?? most)),
      rssGrowthWarmMb: megabytes(most - (warmBase ?? most)),
    };
  };
  return { measured };
}
