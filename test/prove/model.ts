import fc from "fast-check";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import type { Batch, Broker, Settlement } from "../../src/broker/broker.ts";
import { type EffectCommand, settleWithEffects } from "../../src/broker/effects.ts";
import { readDelayed } from "../../src/broker/history.ts";
import { scriptedBroker } from "../../src/broker/scripted.ts";
import type { Message } from "../../src/handling/message.ts";
import type { Outcome } from "../../src/handling/outcome.ts";
import type { ByteString, RedisClient, RedisCommand } from "../../src/index.ts";
import { readDeadLetter } from "../../src/operations/dead-letter.ts";
import { deadLetters } from "../../src/operations/dead-letters.ts";
import { listKeys } from "../../src/redis/keys.ts";
import { Sender } from "../../src/redis/sender.ts";
import { faultyClient } from "../support/faulty-client.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import { startTestRedis } from "../support/redis.ts";
import type { Proof } from "./proof.ts";

const list = "q";
const keys = listKeys(list);
const maxAttempts = 3;
const maxConcurrency = 2;
const batchSize = 25;
const leaseMs = 10_000_000;
/** Delays: due at once, or not while a test runs. */
const soonMs = 0;
const laterMs = 50_000_000;
const clock = { now: () => performance.now(), after: () => () => undefined };

/** Effects: one adds to a counter, the other is refused, for the counter is no list. */
const counter = `${keys.base}sent`;
const counting: readonly EffectCommand[] = [["INCRBY", { key: counter, type: "string" }, "1"]];
const refused: readonly EffectCommand[] = [["LPUSH", { key: counter, type: "list" }, "1"]];
const withEffects = (commands: readonly EffectCommand[], delayMs: number | null = soonMs): Outcome => ({
  kind: "ack",
  effects: { commands, delayMs, message: {} as Message, settle: settleWithEffects },
});

interface Known {
  readonly payload: string;
  count: number;
  crashes: number;
  /** Where its count stands among those of equal payloads in the list: the lowest is given out first. */
  noted: number;
}

interface KnownBatch {
  readonly holder: number;
  messages: Known[];
  isExpired: boolean;
}

/** What Redis should hold, in plain words: each message is an object in exactly one of these. */
class Model {
  /** Oldest first. */
  list: Known[] = [];
  readonly batches = new Map<string, KnownBatch>();
  /** In the order they will be due; those due now first. */
  delayed: { known: Known; isDue: boolean }[] = [];
  /** Oldest first. */
  dead: { known: Known; reason: string }[] = [];
  acked = 0;
  counted = 0;
  #firstNoted = 0;
  #lastNoted = 0;

  /** To the right end, as the next to be claimed. */
  #putBack(messages: readonly Known[]): void {
    // The first of them is claimed first, and has its own count again.
    for (const known of [...messages].reverse()) known.noted = --this.#firstNoted;
    this.list.unshift(...messages);
  }

  /** Equal payloads are told apart by nothing: the first that is claimed gets the first count that was noted. */
  #dealCounts(): void {
    const copies = this.list.filter(({ payload }) => payload === "same");
    const counts = copies
      .filter(({ count }) => count > 0)
      .sort((one, other) => one.noted - other.noted)
      .map(({ count, crashes, noted }) => ({ count, crashes, noted }));
    for (const [at, known] of copies.entries())
      Object.assign(known, counts[at] ?? { count: 0, crashes: 0, noted: 0 });
  }

  liveHolders(but: number): Set<number> {
    return new Set(
      [...this.batches.values()]
        .filter((one) => !one.isExpired && one.holder !== but)
        .map((one) => one.holder),
    );
  }

  /** Whether messages must go back before anything is claimed. */
  get isRecovering(): boolean {
    return this.#ended().length > 0;
  }

  /** A drain's batches go back together, when none of its leases lives. In the order of their claims. */
  #ended(): [string, KnownBatch][] {
    const live = this.liveHolders(-1);
    return [...this.batches].filter(([, batch]) => batch.isExpired && !live.has(batch.holder));
  }

  recover(): void {
    const expired = this.#ended();
    for (const [id, batch] of expired.reverse()) {
      const back: Known[] = [];
      for (const known of batch.messages) {
        known.count += 1;
        known.crashes += 1;
        if (known.count >= maxAttempts) this.dead.push({ known, reason: "crashed" });
        else back.push(known);
      }
      this.#putBack(back);
      this.batches.delete(id);
    }
  }

  promote(): void {
    for (const { known } of this.delayed.filter((one) => one.isDue)) {
      known.noted = ++this.#lastNoted;
      this.list.push(known);
    }
    this.delayed = this.delayed.filter((one) => !one.isDue);
  }

  claim(id: string, holder: number, countMax: number): void {
    this.#dealCounts();
    const company = (known: Pick<Known, "count" | "crashes">): number => {
      if (known.crashes === 0) return Number.POSITIVE_INFINITY;
      if (known.count >= maxAttempts - 1) return 1;
      return Math.max(1, Math.floor(batchSize / 10 ** known.crashes));
    };
    let allowed = company(this.list[0] ?? { crashes: 0, count: 0 });
    const isSuspect = allowed < Number.POSITIVE_INFINITY;
    const messages: Known[] = [];
    for (const known of this.list.slice(0, countMax)) {
      if (company(known) < Number.POSITIVE_INFINITY !== isSuspect) break;
      allowed = Math.min(allowed, company(known));
      if (messages.length + 1 > allowed) break;
      messages.push(known);
    }
    this.list.splice(0, messages.length);
    if (messages.length > 0) this.batches.set(id, { holder, messages, isExpired: false });
  }

  settle(id: string, outcomes: readonly Outcome[]): void {
    const batch = this.batches.get(id) as KnownBatch;
    const released: Known[] = [];
    const retried: { known: Known; isDue: boolean }[] = [];
    const kept: Known[] = [];
    for (const [at, known] of batch.messages.entries()) {
      const outcome = outcomes[at] as Outcome;
      if (outcome.effects?.commands === refused) {
        known.count += 1;
        if (known.count >= maxAttempts) this.dead.push({ known, reason: "exhausted" });
        else retried.push({ known, isDue: true });
        continue;
      }
      if (outcome.effects) this.counted += 1;
      if (outcome.kind === "ack") this.acked += 1;
      else if (outcome.kind === "release") released.push(known);
      else if (outcome.kind === "keep") kept.push(known);
      else {
        known.count += 1;
        if (outcome.kind === "retry") retried.push({ known, isDue: outcome.delayMs === soonMs });
        else if (outcome.kind === "dead-letter") this.dead.push({ known, reason: outcome.cause.reason });
      }
    }
    this.#putBack(released);
    this.delayed.push(...retried);
    this.delayed = [...this.delayed.filter((one) => one.isDue), ...this.delayed.filter((one) => !one.isDue)];
    if (kept.length > 0) batch.messages = kept;
    else this.batches.delete(id);
  }
}

/** One drain: a broker over a client that can be told to lose the next reply or to send the next request twice. */
interface Drain {
  readonly broker: Broker;
  readonly held: Batch[];
  fault: "none" | "lose-reply" | "double";
}

interface Real {
  readonly client: RedisClient;
  readonly drains: Drain[];
  /** Settlements that were made once and may come again, late. */
  readonly past: { drain: Drain; settlement: Settlement }[];
  pushed: number;
}

type Command = fc.AsyncCommand<Model, Real>;

function makeDrain(client: RedisClient, holder: number): Drain {
  const drain: Drain = { held: [], fault: "none" } as unknown as Drain;
  const faulty = faultyClient(client, () => {
    const { fault } = drain;
    drain.fault = "none";
    return fault;
  });
  const sender = new Sender({
    client: faulty,
    // Waiting before a request is sent again would only slow this down.
    clock: hastyClock(() => performance.now()),
    requestTimeoutMs: 10_000,
    giveUpAt: Number.POSITIVE_INFINITY,
  });
  const broker = scriptedBroker({
    sender,
    keys,
    holder: `d${holder}`,
    maxBatchBytes: 1_000_000,
    maxConcurrency,
    marksBusy: true,
    policy: { maxAttempts, deadCountMax: 0, deadAgeMsMax: 0, brake: false, batchSize },
  });
  return Object.assign(drain, { broker });
}

const fault = fc.constantFrom<Drain["fault"]>("none", "none", "lose-reply", "double");
const which = fc.nat({ max: 2 });
const outcome = fc.constantFrom<Outcome>(
  { kind: "ack" },
  { kind: "ack" },
  { kind: "ack" },
  withEffects(counting),
  withEffects(refused),
  { kind: "release" },
  { kind: "keep" },
  { kind: "retry", delayMs: soonMs, isFailure: true },
  { kind: "retry", delayMs: laterMs, isFailure: false },
  { kind: "dead-letter", cause: { reason: "no" }, isFailure: false },
);

/** What a drain would settle: nothing is kept by all, and what failed for the last time is a dead letter. */
function outcomesFor(batch: Batch, wanted: readonly Outcome[]): Outcome[] {
  const outcomes = batch.messages.map((message, at): Outcome => {
    const one = wanted[at % wanted.length] as Outcome;
    const isSpent = message.earlierAttempts + 1 >= maxAttempts;
    if (one.effects?.commands === refused) return withEffects(refused, isSpent ? null : soonMs);
    const isLast = one.kind === "retry" && isSpent;
    return isLast ? { kind: "dead-letter", cause: { reason: "exhausted" }, isFailure: true } : one;
  });
  if (outcomes.every(({ kind }) => kind === "keep")) outcomes[0] = { kind: "ack" };
  return outcomes;
}

function settlementOf(batch: Batch, outcomes: readonly Outcome[]): Settlement {
  return { batch, outcomes, isMarked: [] };
}

/** What the drain still holds after a settle that kept some. */
function rest(batch: Batch, outcomes: readonly Outcome[]): Batch | undefined {
  const messages = batch.messages.filter((_, at) => outcomes[at]?.kind === "keep");
  return messages.length > 0 ? { ...batch, messages } : undefined;
}

class Push implements Command {
  readonly payloads: readonly string[];
  constructor(payloads: readonly string[]) {
    this.payloads = payloads;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const unique = this.payloads.map((payload) =>
      payload === "same" ? payload : `${payload}${real.pushed++}`,
    );
    await real.client.command(["LPUSH", keys.list, ...unique]);
    model.list.push(...unique.map((payload) => ({ payload, count: 0, crashes: 0, noted: 0 })));
    await compare(model, real);
  }
  toString = () => `push(${this.payloads.join()})`;
}

/** Settles the drain's oldest batch if it has one, and claims the next: what a turn does. */
class Turn implements Command {
  readonly holder: number;
  readonly count: number;
  readonly wanted: readonly Outcome[];
  readonly fault: Drain["fault"];
  constructor(holder: number, count: number, wanted: readonly Outcome[], given: Drain["fault"]) {
    this.holder = holder;
    this.count = count;
    this.wanted = wanted;
    this.fault = given;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const drain = real.drains[this.holder] as Drain;
    const batch = drain.held.shift();
    const outcomes = batch ? outcomesFor(batch, this.wanted) : [];
    drain.fault = this.fault;
    const request = { countMax: this.count, leaseMs };
    const settlement = batch && settlementOf(batch, outcomes);
    let result = settlement
      ? await drain.broker.turn(settlement, request)
      : await drain.broker.claim(request);
    if (settlement) real.past.push({ drain, settlement });

    const isLost = batch !== undefined && !model.batches.has(batch.id);
    // A doubled request is answered twice, and the client sees the second; one sent again after its lease's end cannot
    // know that it was in time. Either may be told less than was done; what Redis holds is compared all the same.
    const wasExpired = batch !== undefined && model.batches.get(batch.id)?.isExpired === true;
    const isTold = this.fault === "none" || (this.fault === "lose-reply" && !wasExpired);
    if (isTold) expectSame("lost", result.lostCount > 0, isLost);
    if (batch && !isLost) {
      model.settle(batch.id, outcomes);
      const kept = rest(batch, outcomes);
      if (kept) drain.held.push(kept);
    }
    if (!isLost) {
      // Asked without the batch that it still holds, a drain is taken for a late repeat of its own first claim.
      const isStale = (): boolean =>
        [...model.batches.values()].some((one) => !one.isExpired && one.holder === this.holder);
      const isFull = batch === undefined && model.liveHolders(this.holder).size >= maxConcurrency;
      let isBusy = batch === undefined ? isFull || isStale() : false;
      if (isTold && !isBusy && model.isRecovering) expectSame("claim", result.claim, "not-served");
      // The drain asks anew: first for what must go back, and where a repeated request cannot tell what it claimed.
      for (let again = 0; again < 3 && !isBusy && result.claim === "not-served"; again++) {
        result = await drain.broker.claim(request);
        isBusy = isStale();
      }
      if (!isBusy) model.recover();
      model.promote();
      if (isTold) expectSame("claim", result.claim, isBusy ? "busy" : "served");
      if (!isBusy) {
        const id = result.batch?.id ?? "none";
        model.claim(id, this.holder, this.count);
        expectClaimed(model.batches.get(id)?.messages ?? [], result.batch);
      }
    } else if (isTold) expectSame("claim", result.claim, "not-served");
    if (result.batch) drain.held.push(result.batch);
    await compare(model, real);
  }
  toString = () =>
    `turn(drain ${this.holder}, ${this.count}, ${this.wanted.map(({ kind }) => kind).join()}, ${this.fault})`;
}

class Settle implements Command {
  readonly holder: number;
  readonly wanted: readonly Outcome[];
  readonly fault: Drain["fault"];
  constructor(holder: number, wanted: readonly Outcome[], given: Drain["fault"]) {
    this.holder = holder;
    this.wanted = wanted;
    this.fault = given;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const drain = real.drains[this.holder] as Drain;
    const batch = drain.held.shift();
    if (!batch) return;
    const outcomes = outcomesFor(batch, this.wanted);
    const settlement = settlementOf(batch, outcomes);
    drain.fault = this.fault;
    await drain.broker.settle(settlement);
    real.past.push({ drain, settlement });
    if (model.batches.has(batch.id)) {
      model.settle(batch.id, outcomes);
      const kept = rest(batch, outcomes);
      if (kept) drain.held.push(kept);
      model.promote();
    }
    await compare(model, real);
  }
  toString = () =>
    `settle(drain ${this.holder}, ${this.wanted.map(({ kind }) => kind).join()}, ${this.fault})`;
}

/** A settle from the past arrives once more: of a drain that was delayed, or of a network that doubles. */
class LateSettle implements Command {
  readonly index: number;
  constructor(index: number) {
    this.index = index;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const late = real.past[this.index % Math.max(1, real.past.length)];
    // One that kept messages still has its lease, and is another matter: its batch has another length then.
    if (
      !late ||
      model.batches.get(late.settlement.batch.id)?.messages.length === late.settlement.outcomes.length
    )
      return;
    await late.drain.broker.settle(late.settlement);
    // It changes nothing: a settle that finds its lease gone does not even look around.
    await compare(model, real);
  }
  toString = () => `lateSettle(${this.index})`;
}

/** The drain's process dies: what it held stays leased. A new one takes its place. */
class Crash implements Command {
  readonly holder: number;
  constructor(holder: number) {
    this.holder = holder;
  }
  check = () => true;
  async run(_: Model, real: Real): Promise<void> {
    (real.drains[this.holder] as Drain).held.length = 0;
  }
  toString = () => `crash(drain ${this.holder})`;
}

/** The leases of a drain end. */
class Expire implements Command {
  readonly holder: number;
  constructor(holder: number) {
    this.holder = holder;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    for (const [at, [id, batch]] of [...model.batches].entries()) {
      if (batch.holder !== this.holder || batch.isExpired) continue;
      batch.isExpired = true;
      // Behind the point stands the number of the claim. When a lease ends says nothing about its age.
      const claimed = Number(await real.client.command(["ZSCORE", keys.leases, id])) % 1;
      await real.client.command(["ZADD", keys.leases, 1_100 - at + claimed, id]);
    }
    // What the drain itself was told of the end moves with it.
    const { held } = real.drains[this.holder] as Drain;
    held.splice(0, held.length, ...held.map((batch) => ({ ...batch, expiresAt: 1_000 })));
  }
  toString = () => `expire(drain ${this.holder})`;
}

class Recover implements Command {
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    await (real.drains[0] as Drain).broker.recover();
    model.recover();
    model.promote();
    await compare(model, real);
  }
  toString = () => "recover";
}

class Redrive implements Command {
  readonly max: number;
  readonly order: "oldest" | "newest";
  constructor(max: number, order: "oldest" | "newest") {
    this.max = max;
    this.order = order;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const sender = () =>
      new Sender({
        client: real.client,
        clock,
        requestTimeoutMs: 10_000,
        giveUpAt: Number.POSITIVE_INFINITY,
      });
    const { redriven } = await deadLetters(sender, keys).redrive({ max: this.max, order: this.order });
    const taken =
      this.order === "oldest" ? model.dead.splice(0, this.max) : model.dead.splice(-this.max).reverse();
    expectSame("redriven", redriven, taken.length);
    for (const { known } of taken)
      model.list.push({ payload: known.payload, count: 0, crashes: 0, noted: 0 });
    await compare(model, real);
  }
  toString = () => `redrive(${this.max}, ${this.order})`;
}

function expectSame(what: string, got: unknown, wanted: unknown): void {
  const [one, other] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (one !== other) throw new Error(`${what}: Redis has ${one}, the model ${other}`);
}

function expectClaimed(known: readonly Known[], batch: Batch | null): void {
  const claimed = (batch?.messages ?? []).map(({ raw, earlierAttempts }) => `${raw} ${earlierAttempts}`);
  expectSame(
    "claimed",
    claimed,
    known.map(({ payload, count }) => `${payload} ${count}`),
  );
}

async function compare(model: Model, { client }: Real): Promise<void> {
  const batchIds = [...model.batches.keys()];
  const commands: RedisCommand[] = [
    ["LRANGE", keys.list, 0, -1],
    ["ZRANGE", keys.leases, 0, -1],
    ["ZRANGE", keys.delayed, 0, -1],
    ["LRANGE", keys.dead, 0, -1],
    ...batchIds.map((id): RedisCommand => ["LRANGE", `${keys.base}working:${id}`, 0, -1]),
  ];
  const [waiting, leases, delayed, dead, ...working] = (await client.pipeline(commands)) as ByteString[][];
  expectSame("the counter", Number(await client.command(["GET", counter])), model.counted);
  const payloads = (messages: readonly Known[]): string[] => messages.map(({ payload }) => payload);
  expectSame("the list", waiting?.reverse(), payloads(model.list));
  expectSame("the leases", leases?.sort(), [...batchIds].sort());
  expectSame(
    "the delayed set",
    delayed?.map((member) => readDelayed(member).payload).sort(),
    payloads(model.delayed.map(({ known }) => known)).sort(),
  );
  expectSame(
    "the dead letters",
    dead?.reverse().map((entry) => {
      const { payload, attempts, reason } = readDeadLetter(entry, list);
      return [payload, attempts, reason];
    }),
    model.dead.map(({ known, reason }) => [known.payload, known.count, reason]),
  );
  for (const [at, id] of batchIds.entries()) {
    expectSame(`batch ${id}`, working[at]?.reverse(), payloads(model.batches.get(id)?.messages ?? []));
  }
}

const commands = [
  fc
    .array(fc.constantFrom("m", "m", "m", "same"), { minLength: 1, maxLength: 6 })
    .map((payloads) => new Push(payloads)),
  fc
    .array(fc.constantFrom("m", "m", "m", "same"), { minLength: 1, maxLength: 6 })
    .map((payloads) => new Push(payloads)),
  fc
    .tuple(which, fc.integer({ min: 1, max: 25 }), fc.array(outcome, { minLength: 1, maxLength: 4 }), fault)
    .map(([holder, count, wanted, given]) => new Turn(holder, count, wanted, given)),
  fc
    .tuple(which, fc.integer({ min: 1, max: 25 }), fc.array(outcome, { minLength: 1, maxLength: 4 }), fault)
    .map(([holder, count, wanted, given]) => new Turn(holder, count, wanted, given)),
  fc
    .tuple(which, fc.array(outcome, { minLength: 1, maxLength: 4 }), fault)
    .map(([holder, wanted, given]) => new Settle(holder, wanted, given)),
  fc.nat().map((index) => new LateSettle(index)),
  which.map((holder) => new Crash(holder)),
  which.map((holder) => new Expire(holder)),
  fc.constant(new Recover()),
  fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom<"oldest" | "newest">("oldest", "newest"))
    .map(([max, order]) => new Redrive(max, order)),
];

/** Runs sequences of commands against a real Redis and the model, and compares all of both after each. */
export async function proveModel(options: { runs: number; seed: number }): Promise<Proof> {
  const server: RedisServer = await startTestRedis();
  const client = ioredis({ url: server.url });
  let count = 0;
  try {
    const outcome = await fc.check(
      fc.asyncProperty(fc.commands(commands, { size: "medium", maxCommands: 30 }), async (given) => {
        await client.command(["FLUSHALL"]);
        await client.command(["SET", counter, 0]);
        const real: Real = {
          client,
          drains: [0, 1, 2].map((one) => makeDrain(client, one)),
          past: [],
          pushed: 0,
        };
        for (const _ of given) count += 1;
        await fc.asyncModelRun(() => ({ model: new Model(), real }), given);
      }),
      { numRuns: options.runs, seed: options.seed, endOnFailure: false },
    );
    const line = `model: ${outcome.numRuns} runs, ${count} commands against a real Redis, ${outcome.failed ? "broken" : "each state as the model has it"}`;
    const problems = outcome.failed
      ? [
          `seed ${outcome.seed}, path ${outcome.counterexamplePath}: ${outcome.counterexample?.[0]}`,
          String(outcome.errorInstance),
        ]
      : [];
    return { isHolding: !outcome.failed, line, problems };
  } finally {
    await client.close();
    await server.stop();
  }
}
