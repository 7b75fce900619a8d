/**
 * Sequences of steps against a real Redis, in strict order or by key. What a model can know of an order is simple, whatever
 * the script decides about who parks and who runs: of each key, what is in a batch, then its line, then the list must be
 * what was pushed, in that order, less what has ended; and what ends is the first of it.
 */
import fc from "fast-check";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import type { Batch, Broker, Settlement } from "../../src/broker/broker.ts";
import { readDelayed } from "../../src/broker/history.ts";
import { scriptedBroker } from "../../src/broker/scripted.ts";
import type { Outcome } from "../../src/handling/outcome.ts";
import { createDrain, jsonCodec, type RedisClient } from "../../src/index.ts";
import { byKey, strictOrder } from "../../src/order/order.ts";
import { listKeys } from "../../src/redis/keys.ts";
import { Sender } from "../../src/redis/sender.ts";
import { Stopper } from "../../src/run/deadline.ts";
import { type Fault, faultyClient } from "../support/faulty-client.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import { startTestRedis } from "../support/redis.ts";
import type { Proof } from "./proof.ts";

const list = "o";
const keys = listKeys(list);
const maxAttempts = 3;
const batchSize = 10;
const leaseMs = 10_000_000;
const laterMs = 50_000_000;
const clock = hastyClock(() => performance.now(), 100_000);
const modes = ["strict", "byKey"] as const;
type Mode = (typeof modes)[number];

/** The key of a payload such as `a17`; undefined for `-17`. */
function keyOf(mode: Mode, payload: string): string | undefined {
  if (mode === "strict") return "all";
  return payload.startsWith("-") ? undefined : payload.slice(0, 1);
}

const orders = { strict: strictOrder, byKey: byKey(({ payload }) => keyOf("byKey", payload)) };

type Step =
  | { readonly do: "push"; readonly letters: readonly string[] }
  | {
      readonly do: "turn";
      readonly drain: number;
      readonly count: number;
      readonly wanted: readonly Outcome[];
      readonly fault: Fault;
    }
  | {
      readonly do: "settle";
      readonly drain: number;
      readonly wanted: readonly Outcome[];
      readonly fault: Fault;
    }
  | { readonly do: "settle late"; readonly at: number }
  | { readonly do: "crash"; readonly drain: number }
  | { readonly do: "expire"; readonly drain: number }
  | { readonly do: "wait" }
  | { readonly do: "redrive"; readonly max: number };

const fault = fc.constantFrom<Fault>("none", "none", "lose-reply", "double");
const drain = fc.nat({ max: 2 });
const wanted = fc.array(
  fc.constantFrom<Outcome>(
    { kind: "ack" },
    { kind: "ack" },
    { kind: "ack" },
    { kind: "release" },
    { kind: "keep" },
    { kind: "retry", delayMs: 0, isFailure: true },
    { kind: "retry", delayMs: laterMs, isFailure: false },
    { kind: "dead-letter", cause: { reason: "no" }, isFailure: false },
  ),
  { minLength: 1, maxLength: 4 },
);
const count = fc.integer({ min: 1, max: batchSize });
const letters = fc.array(fc.constantFrom("a", "a", "b", "c", "-"), { minLength: 1, maxLength: 8 });
const push = fc.record({ do: fc.constant("push" as const), letters });
const turn = fc.record({ do: fc.constant("turn" as const), drain, count, wanted, fault });
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: push, weight: 3 },
  { arbitrary: turn, weight: 6 },
  fc.record({ do: fc.constant("settle" as const), drain, wanted, fault }),
  fc.record({ do: fc.constant("settle late" as const), at: fc.nat() }),
  fc.record({ do: fc.constant("crash" as const), drain }),
  fc.record({ do: fc.constant("expire" as const), drain }),
  fc.record({ do: fc.constant("wait" as const) }),
  fc.record({ do: fc.constant("redrive" as const), max: fc.integer({ min: 1, max: 3 }) }),
);

/** What Redis holds, each part with the oldest message first. */
interface Held {
  readonly waiting: readonly string[];
  readonly parked: readonly string[];
  readonly delayed: readonly string[];
  readonly dead: readonly string[];
  readonly batches: ReadonlyMap<string, readonly string[]>;
}

interface ModelledDrain {
  readonly broker: Broker;
  held: Batch[];
  fault: Fault;
}

class OrderRun {
  readonly #client: RedisClient;
  readonly #mode: Mode;
  readonly #drains: ModelledDrain[];
  readonly #past: { readonly drain: ModelledDrain; readonly settlement: Settlement }[] = [];
  /** key → what has not ended, the oldest first. */
  readonly #queues = new Map<string, string[]>();
  #before: Held = { waiting: [], parked: [], delayed: [], dead: [], batches: new Map() };
  #pushed = 0;

  constructor(client: RedisClient, mode: Mode) {
    this.#client = client;
    this.#mode = mode;
    this.#drains = [0, 1, 2].map((number) => this.#makeDrain(`d${number}`));
  }

  #makeDrain(holder: string): ModelledDrain {
    const made: { fault: Fault; held: Batch[] } = { fault: "none", held: [] };
    const faulty = faultyClient(this.#client, () => {
      const { fault } = made;
      made.fault = "none";
      return fault;
    });
    const sender = new Sender({
      client: faulty,
      clock,
      requestTimeoutMs: 10_000,
      giveUpAt: Number.POSITIVE_INFINITY,
    });
    const never = Number.POSITIVE_INFINITY;
    const stopper = new Stopper(clock, { stopAt: never, leaveAt: never, endAt: never }, undefined);
    const settings = { list, codec: jsonCodec, clock, random: () => 0, handlerTimeoutMs: undefined };
    const broker = scriptedBroker({
      sender,
      keys,
      holder,
      maxBatchBytes: 1_000_000,
      maxConcurrency: this.#mode === "strict" ? 1 : 2,
      marksBusy: false,
      policy: { maxAttempts, deadCountMax: 0, deadAgeMsMax: 0, brake: false, batchSize },
      turns: orders[this.#mode].turns({ settings, sender, keys, stopper }),
    });
    return Object.assign(made, { broker });
  }

  async do(step: Step): Promise<void> {
    if (step.do === "push") return this.#push(step.letters);
    if (step.do === "redrive") return this.#redrive(step.max);
    if (step.do === "settle late") return this.#settleLate(step.at);
    if (step.do === "wait") await this.#endWaits();
    else if (step.do === "crash") this.#at(step.drain).held = [];
    else if (step.do === "expire") await this.#expire(step.drain);
    else if (step.do === "settle") await this.#exchange(step, 0);
    else await this.#exchange(step, step.count);
    await this.#check();
  }

  /** With all leases ended and nobody in the way, one drain that acknowledges all comes to the end. */
  async finish(): Promise<void> {
    for (const [number, drain] of this.#drains.entries()) {
      drain.held = [];
      await this.#expire(number);
    }
    for (let left = 3 * this.#pushed + 20; left > 0; left--) {
      await this.#endWaits();
      await this.do({ do: "turn", drain: 0, count: batchSize, wanted: [{ kind: "ack" }], fault: "none" });
      const { waiting, parked, delayed, batches } = this.#before;
      if (waiting.length + parked.length + delayed.length + batches.size > 0) continue;
      expectSame("keys that are left", await this.#client.command(["KEYS", `${keys.base}[^d]*`]), []);
      return;
    }
    throw new Error(`it does not come to an end: ${JSON.stringify(this.#before)}`);
  }

  #at(number: number): ModelledDrain {
    return this.#drains[number] as ModelledDrain;
  }

  async #push(letters: readonly string[]): Promise<void> {
    const payloads = letters.map((letter) => `${letter}${this.#pushed++}`);
    await this.#client.command(["LPUSH", keys.list, ...payloads]);
    for (const payload of payloads) this.#queueOf(payload)?.push(payload);
    await this.#check(payloads);
  }

  #queueOf(payload: string): string[] | undefined {
    const key = keyOf(this.#mode, payload);
    if (key === undefined) return undefined;
    const queue = this.#queues.get(key) ?? [];
    this.#queues.set(key, queue);
    return queue;
  }

  /** Settles the drain's oldest batch if it has one, and claims up to `countMax` messages. */
  async #exchange(
    step: { drain: number; wanted: readonly Outcome[]; fault: Fault },
    countMax: number,
  ): Promise<void> {
    const drain = this.#at(step.drain);
    const batch = drain.held.shift();
    if (!batch && countMax === 0) return;
    // Only who leaves keeps what still runs.
    const isLeaving = countMax === 0;
    const wanted = step.wanted.filter(({ kind }) => isLeaving || kind !== "keep");
    const settlement = batch && { batch, outcomes: outcomesOf(batch, wanted), isMarked: [] };
    drain.fault = step.fault;
    const request = { countMax, leaseMs };
    const ask = () => {
      if (countMax === 0) return drain.broker.settle(settlement as Settlement);
      return settlement ? drain.broker.turn(settlement, request) : drain.broker.claim(request);
    };
    let result = await ask();
    if (settlement) this.#past.push({ drain, settlement });
    const mayAsk = countMax > 0 && drain.held.length === 0;
    if (mayAsk && result.claim === "not-served") result = await drain.broker.claim(request);
    if (result.batch) drain.held.push(result.batch);
    await this.#checkEnded(settlement);
  }

  /** What has left its batch for good is what its settle acknowledged. */
  async #checkEnded(settlement: Settlement | undefined): Promise<void> {
    const acked = settlement?.batch.messages.filter((_, at) => settlement.outcomes[at]?.kind === "ack") ?? [];
    const after = placesOf(await this.#look());
    const isHeld = settlement && this.#before.batches.has(settlement.batch.id);
    const allowed = new Set(isHeld ? acked.map(({ raw }) => raw) : []);
    for (const payload of placesOf(this.#before)) {
      if (!after.includes(payload) && !allowed.has(payload)) throw new Error(`${payload} is lost`);
    }
  }

  /** A settle from the past comes once more, and changes nothing, unless its batch is as it was then. */
  async #settleLate(at: number): Promise<void> {
    const late = this.#past[at % Math.max(1, this.#past.length)];
    if (!late) return;
    const { batch, outcomes } = late.settlement;
    if (this.#before.batches.get(batch.id)?.length === outcomes.length) return;
    await late.drain.broker.settle(late.settlement);
    expectSame("after a late settle", await this.#look(), this.#before);
  }

  async #expire(number: number): Promise<void> {
    for (const id of this.#before.batches.keys())
      if (id.startsWith(`d${number}.`)) await this.#client.command(["ZADD", keys.leases, 1_000, id]);
    const drain = this.#at(number);
    drain.held = drain.held.map((batch) => ({ ...batch, expiresAt: 1_000 }));
  }

  /** Lets the time pass until every line is due. */
  async #endWaits(): Promise<void> {
    for (const key of (await this.#client.command(["ZRANGE", keys.due, 0, -1])) as string[])
      await this.#client.command(["ZADD", keys.due, 1_000, key]);
    for (const member of (await this.#client.command(["ZRANGE", keys.delayed, 0, -1])) as string[])
      await this.#client.command(["ZADD", keys.delayed, 1_000, member]);
    await this.#client.command(["DEL", keys.held]);
  }

  /** They come before what waits, the oldest first, and behind what runs. */
  async #redrive(max: number): Promise<void> {
    const order = orders[this.#mode];
    const drain = createDrain({
      redis: this.#client,
      list,
      codec: jsonCodec,
      order,
      handler: () => undefined,
    });
    await drain.deadLetters.redrive({ max });
    const { dead } = await this.#look();
    const redriven = this.#before.dead.filter((payload) => !dead.includes(payload));
    const running = [...this.#before.batches.values()].flat();
    for (const payload of redriven.toReversed()) {
      const queue = this.#queueOf(payload);
      queue?.splice(queue.filter((one) => running.includes(one)).length, 0, payload);
    }
    await this.#check();
  }

  async #check(pushed: readonly string[] = []): Promise<void> {
    const now = await this.#look();
    const places = placesOf(now);
    if (new Set(places).size !== places.length)
      throw new Error(`a message is in two places: ${places.join(" ")}`);
    for (const payload of pushed) if (!places.includes(payload)) throw new Error(`${payload} is lost`);
    const alive = new Set(places.filter((payload) => !now.dead.includes(payload)));
    for (const [key, queue] of this.#queues) {
      const left = queue.filter((payload) => alive.has(payload));
      expectSame(
        `what has ended of ${key}`,
        queue.slice(0, queue.length - left.length),
        queue.filter((one) => !alive.has(one)),
      );
      this.#queues.set(key, left);
      const of = (payloads: readonly string[]): string[] =>
        payloads.filter((one) => keyOf(this.#mode, one) === key);
      const holding = [...now.batches].filter(([, payloads]) => of(payloads).length > 0);
      expectSame(`the batches of ${key}`, holding.length > 1 ? holding : [], []);
      const running = holding.flatMap(([, payloads]) => of(payloads));
      expectSame(`the messages of ${key}`, [...running, ...of(now.parked), ...of(now.waiting)], left);
    }
    this.#before = now;
  }

  async #look(): Promise<Held> {
    const ids = (await this.#client.command(["ZRANGE", keys.leases, 0, -1])) as string[];
    const [waiting = [], parked = [], due = [], delayed = [], dead = [], ...working] =
      (await this.#client.pipeline([
        ["LRANGE", keys.list, 0, -1],
        ["ZRANGE", keys.parked, 0, -1],
        ["ZRANGE", keys.due, 0, -1],
        ["ZRANGE", keys.delayed, 0, -1],
        ["LRANGE", keys.dead, 0, -1],
        ...ids.map((id) => ["LRANGE", `${keys.base}working:${id}`, 0, -1] as const),
      ])) as string[][];
    const forgotten = parked.filter((member) => !due.includes(member.slice(0, 16)));
    expectSame("lines that nobody is to look at", forgotten, []);
    return {
      waiting: waiting.reverse(),
      parked: parked.map((member) => member.slice(member.lastIndexOf(":") + 1)),
      delayed: delayed.map((member) => readDelayed(member).payload),
      dead: dead.reverse().map((entry) => entry.slice(entry.indexOf("\n") + 1)),
      batches: new Map(ids.map((id, at) => [id, (working[at] ?? []).reverse()])),
    };
  }
}

function placesOf({ waiting, parked, delayed, dead, batches }: Held): string[] {
  return [...waiting, ...parked, ...delayed, ...dead, ...[...batches.values()].flat()];
}

/** What a drain would settle: behind a message that may come back none of its line has begun. */
function outcomesOf(batch: Batch, wanted: readonly Outcome[]): Outcome[] {
  if (wanted.length === 0) return outcomesOf(batch, [{ kind: "ack" }]);
  const outcomes: Outcome[] = batch.messages.map(() => ({ kind: "release" }));
  for (const line of batch.order?.lines ?? []) {
    for (const at of line) {
      const one = wanted[at % wanted.length] as Outcome;
      const isSpent = (batch.messages[at]?.earlierAttempts ?? 0) + 1 >= maxAttempts;
      const isLast = one.kind === "retry" && isSpent;
      outcomes[at] = isLast ? { kind: "dead-letter", cause: { reason: "exhausted" }, isFailure: true } : one;
      if (isLast || (one.kind !== "ack" && one.kind !== "dead-letter")) break;
    }
  }
  // A drain that still runs all has nothing to settle.
  if (outcomes.every(({ kind }) => kind === "keep")) outcomes[0] = { kind: "ack" };
  return outcomes;
}

function expectSame(what: string, got: unknown, expected: unknown): void {
  const [one, other] = [got, expected].map((value) =>
    JSON.stringify(value, (_, part) => (part instanceof Map ? [...part] : part)),
  );
  if (one !== other) throw new Error(`${what}: Redis has ${one}, the model ${other}`);
}

/** Runs sequences of steps in each order in turn. */
export async function proveOrderModel(options: { runs: number; seed: number }): Promise<Proof> {
  const server = await startTestRedis();
  const client = ioredis({ url: server.url });
  let stepCount = 0;
  try {
    const result = await fc.check(
      fc.asyncProperty(
        fc.constantFrom(...modes),
        fc.array(step, { minLength: 5, maxLength: 30, size: "max" }),
        async (mode, steps) => {
          await client.command(["FLUSHALL"]);
          const run = new OrderRun(client, mode);
          for (const one of steps) {
            stepCount += 1;
            await run.do(one);
          }
          await run.finish();
        },
      ),
      { numRuns: options.runs, seed: options.seed },
    );
    return {
      isHolding: !result.failed,
      line: `model of the orders: ${result.numRuns} runs, ${stepCount} steps against a real Redis, ${result.failed ? "broken" : "each line as the model has it"}`,
      problems: result.failed
        ? [
            `seed ${result.seed}, path ${result.counterexamplePath}: ${JSON.stringify(result.counterexample)}`,
            String(result.errorInstance),
          ]
        : [],
    };
  } finally {
    await client.close();
    await server.stop();
  }
}
