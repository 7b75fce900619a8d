/**
 * One process of `kills.ts`: drains a list again and again until it is told to end or is killed, by its parent or, at
 * the request boundary it was ordered to, by itself. Everything it has seen it notes in Redis before it goes on.
 */
import { flushCompileCache } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import {
  ack,
  type Continuation,
  createDrain,
  forward,
  type HandlerOutcome,
  type Hop,
  type RedisClient,
  type RunOptions,
  scaleOut,
} from "../../../src/index.ts";
import { seeded } from "../random.ts";
import {
  drainBudget,
  effectKeysOf,
  effectOf,
  failsFirst,
  isByKey,
  keyOf,
  maxConcurrencyOf,
  type WorldKind,
} from "./messages.ts";
import type { ChildOrder, ChildPlace, Death, FromChild, RequestKind, ToChild } from "./orders.ts";
import { WatchedClient } from "./watched-client.ts";

const place = JSON.parse(process.argv[2] as string) as ChildPlace;
const notes = new Redis(place.notesUrl, { protocol: 2, enableReadyCheck: false });
/** Drains that other drains have asked for, while they run. */
const called = new Set<Promise<void>>();
let isEnding = false;
let idCount = 0;
let boundaryCount = 0;

process.once("disconnect", () => process.exit());
const client = await openClient();
await notes.ping();
const ordered = new Promise<ChildOrder>((resolve) => {
  process.on("message", (message: ToChild) => {
    if (message === "end") isEnding = true;
    else if ("hop" in message) void ordered.then((order) => takeHop(message.hop, order));
    else resolve(message);
  });
});
flushCompileCache();
tell("ready");
await drainAgainAndAgain(await ordered);
await Promise.all(called);
await client.close();
notes.disconnect();
process.disconnect();

function tell(message: FromChild): void {
  process.send?.(message);
}

async function note(...words: (string | number)[]): Promise<void> {
  await notes.rpush(place.notesKey, words.join(" "));
}

async function openClient(): Promise<RedisClient> {
  const { url, token } = place;
  if (place.client === "ioredis")
    return (await import("../../../adapters/redis/ioredis.ts")).ioredis({ url });
  return (await import("../../../adapters/redis/upstash.ts")).upstash({ url, token });
}

/** Runs a new drain; resolves with why it stopped. */
type Runs = (options: RunOptions) => Promise<string>;

function makeDrain(order: ChildOrder, random: () => number): Runs {
  const dieIfDue = async (kind: RequestKind | "other", when: Death["when"]): Promise<void> => {
    const { death } = order;
    if (death?.kind !== kind || death.when !== when || ++boundaryCount < death.nth) return;
    await note("death", place.id);
    process.kill(process.pid, "SIGKILL");
    await new Promise(() => undefined);
  };
  const redis = new WatchedClient({ inner: client, kind: place.kind, note, dieIfDue });
  const drain = createDrain({
    redis,
    list: place.list,
    leaseMs: order.leaseMs,
    maxConcurrency: maxConcurrencyOf(place.kind),
    order: orderOf(place.kind),
    ...(place.kind === "scaled" ? { continuation: handOn(), scaleOut: scaleOut({ withinMs: 5 }) } : {}),
    maxAttempts: 1_000,
    retryDelay: () => 5,
    brake: false,
    batchSize: order.batchSize,
    concurrency: order.concurrency,
    prefetch: order.prefetch,
    reserveMs: drainBudget.reserveMs,
    randomId: () => `${place.id}_${++idCount}`,
    handler: async ({ payload, attempt }) => {
      const batch = redis.batchOf.get(payload) ?? "none";
      await note("run", place.id, payload, attempt, batch);
      await sleep(Math.floor(random() * 4));
      const isFailing = attempt === 1 && failsFirst(place.kind, payload);
      await note(isFailing ? "fail" : "end", payload, batch);
      if (isFailing) throw new Error("at first");
      return outcomeOf(payload);
    },
  });
  return async (options) => {
    redis.holder = "";
    const report = await drain.run(options);
    // By an error, by its own clock, or because a handler still runs, it leaves a batch to its lease; Redis never tells it of that.
    const { lostLease, unsettled, leftBehind } = report;
    if (report.error || lostLease + unsettled + leftBehind > 0) await note("left", redis.holder);
    if (report.error) tell({ error: `${(report.error as { code?: string }).code}: ${report.error.message}` });
    return report.stopped;
  };
}

/** Hops go by the parent to any process of this world. */
function handOn(): Continuation {
  return {
    name: "parent",
    invoke: async ({ list, chain }) => send({ list, chain }, false),
    invokeBeside: async ({ list, chain }) => send({ list, chain }, true),
  };
}

function send(hop: Hop, isBeside: boolean): null {
  tell({ hop, isBeside });
  return null;
}

function takeHop({ chain }: Hop, order: ChildOrder): void {
  if (isEnding) return;
  const run = makeDrain(order, seeded(order.seed + idCount));
  const running = run({ chain, budgetMs: drainBudget.budgetMs }).then(() => undefined);
  called.add(running);
  void running.finally(() => called.delete(running));
}

async function drainAgainAndAgain(order: ChildOrder): Promise<void> {
  const random = seeded(order.seed);
  const run = makeDrain(order, random);
  tell("draining");
  while (!isEnding) {
    const budget = place.kind === "scaled" ? { budgetMs: drainBudget.budgetMs } : {};
    const stopped = await run({ maxMessages: 1 + Math.floor(random() * 40), ...budget });
    if (stopped !== "limit") await sleep(8);
  }
}

function orderOf(
  kind: WorldKind,
): "fifo" | "strict" | { byKey: (message: { payload: string }) => string | undefined } {
  if (isByKey(kind)) return { byKey: ({ payload }) => keyOf(kind, payload) };
  return kind === "strict" ? kind : "fifo";
}

function outcomeOf(payload: string): HandlerOutcome | undefined {
  const { counter, onward } = effectKeysOf(place.list);
  const effect = effectOf(place.kind, payload);
  if (effect === "count") return ack({ effects: [["INCRBY", counter, 1]] });
  return effect === "forward" ? forward(onward, payload) : undefined;
}
