/**
 * One process of `kills.ts`: drains a list again and again until it is told to end or is killed, by its parent or, at
 * the request boundary it was ordered to, by itself. Everything it has seen it notes in Redis before it goes on.
 */
import { flushCompileCache } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { turnFieldCount } from "../../../src/broker/turn-reply.ts";
import {
  ack,
  createDrain,
  forward,
  type HandlerOutcome,
  type RedisClient,
  type RedisCommand,
  type RedisReply,
} from "../../../src/index.ts";
import { seeded } from "../random.ts";
import { effectKeysOf, effectOf, failsFirst, keyOf, type WorldKind } from "./messages.ts";

/** What a drain sends: `EXISTS`, and the turn script asked to claim, to settle, or both. */
export type RequestKind = "probe" | "claim" | "turn" | "settle";

export interface Death {
  readonly kind: RequestKind;
  /** Before the request is sent, or after it ran and before the drain has its reply. */
  readonly when: "before" | "after";
  /** Which request of that kind; a claim that got nothing does not count. */
  readonly nth: number;
}

/** Where a child works: its argument, as JSON. */
export interface ChildPlace {
  readonly id: string;
  readonly list: string;
  readonly kind: WorldKind;
  readonly client: "ioredis" | "upstash";
  readonly url: string;
  readonly token: string;
  /** A Redis that is never killed, and the list there that notes go to. */
  readonly notesUrl: string;
  readonly notesKey: string;
}

/** How it drains and where it dies: sent when it is to begin. */
export interface ChildOrder {
  readonly seed: number;
  readonly leaseMs: number;
  readonly batchSize: number;
  readonly concurrency: number;
  readonly prefetch: 0 | 1;
  readonly death: Death | null;
}

export type ToChild = ChildOrder | "end";
export type FromChild = "ready" | "draining" | { readonly error: string };

/** The script's arguments that say what a request asks for, as the header of turn.ts numbers them. */
interface Asked {
  readonly kind: RequestKind | "other";
  readonly settleId: string;
  readonly letters: string;
  readonly claimId: string;
}

const place = JSON.parse(process.argv[2] as string) as ChildPlace;
const notes = new Redis(place.notesUrl, { protocol: 2, enableReadyCheck: false });
/** The batch each message was last claimed in. */
const batchOf = new Map<string, string>();
/** By key: what the last reply showed of the list, from which the next claim takes. */
let shown: readonly string[] = [];
let isEnding = false;
let idCount = 0;

process.once("disconnect", () => process.exit());
const client = await openClient();
await notes.ping();
const ordered = new Promise<ChildOrder>((resolve) => {
  process.on("message", (message: ToChild) => {
    if (message === "end") isEnding = true;
    else resolve(message);
  });
});
flushCompileCache();
tell("ready");
await drainAgainAndAgain(await ordered);
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

async function drainAgainAndAgain(order: ChildOrder): Promise<void> {
  const random = seeded(order.seed);
  const drain = createDrain({
    redis: watched(client, order.death),
    list: place.list,
    leaseMs: order.leaseMs,
    maxConcurrency: place.kind === "strict" ? 1 : 2,
    order: orderOf(place.kind),
    maxAttempts: 1_000,
    retryDelay: () => 5,
    brake: false,
    batchSize: order.batchSize,
    concurrency: order.concurrency,
    prefetch: order.prefetch,
    randomId: () => `${place.id}_${++idCount}`,
    handler: async ({ payload, attempt }) => {
      const batch = batchOf.get(payload) ?? "none";
      await note("run", place.id, payload, attempt, batch);
      await sleep(Math.floor(random() * 4));
      const isFailing = attempt === 1 && failsFirst(place.kind, payload);
      await note(isFailing ? "fail" : "end", payload, batch);
      if (isFailing) throw new Error("at first");
      return outcomeOf(payload);
    },
  });
  tell("draining");
  while (!isEnding) {
    const report = await drain.run({ maxMessages: 1 + Math.floor(random() * 40) });
    if (report.error) tell({ error: `${(report.error as { code?: string }).code}: ${report.error.message}` });
    if (report.stopped !== "limit") await sleep(8);
  }
}

function orderOf(
  kind: WorldKind,
): "fifo" | "strict" | { byKey: (message: { payload: string }) => string | undefined } {
  if (kind === "byKey") return { byKey: ({ payload }) => keyOf(kind, payload) };
  return kind === "strict" ? kind : "fifo";
}

function outcomeOf(payload: string): HandlerOutcome | undefined {
  const { counter, onward } = effectKeysOf(place.list);
  const effect = effectOf(place.kind, payload);
  if (effect === "count") return ack({ effects: [["INCRBY", counter, 1]] });
  return effect === "forward" ? forward(onward, payload) : undefined;
}

/** The client, its requests watched, and ended with its process where the order says. */
function watched(inner: RedisClient, death: Death | null): RedisClient {
  let count = 0;
  const dieIfDue = async (kind: Asked["kind"], when: Death["when"]): Promise<void> => {
    if (death?.kind !== kind || death.when !== when || ++count < death.nth) return;
    await note("death", place.id);
    process.kill(process.pid, "SIGKILL");
    await new Promise(() => undefined);
  };
  return {
    name: inner.name,
    pipeline: (commands, options) => inner.pipeline(commands, options),
    close: () => inner.close(),
    async command(command, options) {
      const asked = readRequest(command);
      if (/[^ac]/.test(asked.letters)) await note("odd", asked.settleId);
      await dieIfDue(asked.kind, "before");
      const reply = await inner.command(command, options);
      const hasClaimed = await noteReply(asked, reply);
      if (asked.kind !== "claim" || hasClaimed) await dieIfDue(asked.kind, "after");
      return reply;
    },
  };
}

/** Notes what a reply says; returns whether it brought messages. */
async function noteReply({ settleId, claimId }: Asked, reply: RedisReply): Promise<boolean> {
  if (!Array.isArray(reply)) return false;
  const [settled, , messages] = reply;
  if (settled === 2) await note("lost", settleId);
  if (!Array.isArray(messages)) return false;
  const [places, showing] = place.kind === "byKey" ? reply.slice(turnFieldCount + 1) : [];
  const claimed = [
    ...(messages as string[]),
    ...((places ?? []) as number[]).map((at) => shown[at - 1] ?? ""),
  ];
  if (claimId) shown = (showing ?? []) as string[];
  for (const payload of claimed) batchOf.set(payload, claimId);
  return claimed.length > 0;
}

function readRequest(command: RedisCommand): Asked {
  const [name, , keyCount, ...rest] = command;
  if (name === "EXISTS") return { kind: "probe", settleId: "", letters: "", claimId: "" };
  if (!name.startsWith("EVAL")) return { kind: "other", settleId: "", letters: "", claimId: "" };
  const [, settleId = "", , letters = "", claimId = ""] = rest.slice(Number(keyCount)).map(String);
  const kind = claimId ? (settleId ? "turn" : "claim") : settleId ? "settle" : "other";
  return { kind, settleId, letters, claimId };
}
