import { VirtualTime } from "../../adapters/testing/virtual-time.ts";
import {
  ack,
  type ChainPosition,
  type Continuation,
  ContinuationError,
  createDrain,
  type Drain,
  type DrainReport,
  deadLetter,
  forward,
  fromText,
  type HandlerOutcome,
  idempotent,
  type Message,
  type NextDrain,
  Overloaded,
  release,
  retry,
  scaleOut,
} from "../../src/index.ts";
import { effectKeys, Ledger } from "./ledger.ts";
import { fairWeather, Network, type Weather } from "./network.ts";
import type { Proof } from "./proof.ts";
import { seeded } from "./random.ts";

const list = "q";
const control = fromText(`{${list}}:control`);
/** What handlers give as effects: one adds to the counter, one passes its message on, one is always refused. */
const effects = {
  e: ack({ effects: [["INCRBY", effectKeys.counter, 1]] }),
  b: ack({
    effects: [
      ["INCRBY", effectKeys.counter, 1],
      ["INCRBY", effectKeys.wrong, 1],
    ],
  }),
} as const;
const keyWindowMs = 2_000;
/** What an operator lets each key have in turn. */
const keyLimits = [
  { messages: 2, windowMs: keyWindowMs },
  { messages: 4, windowMs: keyWindowMs, inFlight: 2 },
  { inFlight: 1 },
];
const slotCount = 8;
/** In place of a slot: of a drain that ends for good. */
const invoked = -1;
const stepsOfWorld = 5_000;
/** The last hop of a chain of a world that scales out. */
const hopsMax = 12;
/** Steps that a world may take to come to rest once everything works. */
const calmStepsMax = 600_000;

/** A process that runs one drain, on a clock of its own. */
interface Process {
  isDead: boolean;
  isAborted: boolean;
  readonly ran: Set<string>;
  readonly clockRate: number;
  readonly clockOffset: number;
  readonly holder: string;
}

/** The orders of worlds: each in any few in a row. */
export const worldOrders = ["fifo", "byKey", "strict"] as const;
type WorldOrder = (typeof worldOrders)[number];

/** What the messages of a world are like; the first letter of a payload says which. */
const kinds = {
  n: 30,
  f: 8,
  x: 2,
  c: 1,
  o: 1,
  r: 2,
  d: 1,
  s: 1,
  w: 2,
  e: 4,
  g: 4,
  b: 1,
} as const;
/** By key, more handlers outlive their drains and more messages die: what waits behind them must go on waiting. */
const kindsByKey = { ...kinds, s: 8, d: 4 } as const;

/**
 * Eight drains, a producer and an operator over one Redis, on clocks that are wrong, through a network that loses,
 * doubles and reorders, with processes that die at any moment. Everything is the seed's doing: the same seed, the same
 * world, to the last request.
 */
class World {
  readonly #random: () => number;
  readonly #time = new VirtualTime();
  readonly #ledger: Ledger;
  readonly #network: Network;
  readonly #maxAttempts: number;
  readonly #maxConcurrency: number;
  readonly #prefersIdempotent: boolean;
  readonly #hasChains: boolean;
  readonly #order: WorldOrder;
  readonly #keyCount: number;
  /** Of a world by key: whether keys have limits, which an operator changes. */
  readonly #limitsKeys: boolean;
  /** Of a world by key: whether messages of a key may run side by side. */
  readonly #isLoose: boolean;
  /** In a world that scales out, ticks and drains start drains. */
  readonly #scalesOut: boolean;
  readonly #isFromLeft: boolean;
  #isCalm = false;
  #isOutage = false;
  #redisSkew = 0;
  #pushed = 0;
  #deaths = 0;
  #runs = 0;
  #started = 0;

  constructor(seed: number, order?: WorldOrder) {
    this.#random = seeded(seed);
    this.#maxAttempts = this.#pick([1, 3, 5, 5, 8]);
    this.#order = order ?? worldOrders[seed % 3] ?? "fifo";
    this.#keyCount = this.#order === "strict" ? 1 : ([7, 3, 2][Math.floor(seed / 3) % 3] as number);
    this.#isLoose = this.#order === "byKey" && seed % 7 === 3;
    this.#limitsKeys = this.#order === "byKey" && seed % 5 < 3;
    this.#scalesOut = seed % 4 === 1 && this.#order !== "strict";
    this.#isFromLeft = seed % 5 === 2;
    const most = this.#scalesOut ? [2, 3, slotCount] : [1, 3, slotCount, slotCount];
    this.#maxConcurrency = this.#order === "strict" ? 1 : this.#pick(most);
    this.#prefersIdempotent = this.#chance(0.3);
    this.#hasChains = this.#chance(0.7) || this.#scalesOut;
    this.#ledger = new Ledger({
      list,
      redisNow: () => 1_700_000_000_000 + this.#time.now + this.#redisSkew,
      maxAttempts: this.#maxAttempts,
      maxConcurrency: this.#maxConcurrency,
      keyOf: (payload) => this.#keyOf(payload),
      keepsOrder: !this.#isLoose,
      isFromLeft: this.#isFromLeft,
    });
    const badness = this.#random() * 0.15;
    const weather: Weather = {
      loseRequest: badness * this.#random(),
      loseReply: badness * this.#random(),
      double: badness * this.#random(),
      late: badness * this.#random() * 0.3,
      refuse: badness * this.#random() * 0.3,
    };
    this.#network = new Network(this.#time, this.#ledger, this.#random, weather);
  }

  /** Runs the world, lets it come to rest, and returns what went wrong. */
  async run(): Promise<{ steps: number; figures: Figures; violations: string[] }> {
    if (this.#chance(0.3)) this.#ledger.execute(["HSET", control, "limit", 5, "windowMs", 2_000]);
    if (this.#limitsKeys)
      this.#ledger.execute(["HSET", control, "keyLimit", 4, "keyWindowMs", keyWindowMs, "keyInFlight", 3]);
    this.#ledger.execute(["RPUSH", effectKeys.wrong, "no number"]);
    if (this.#scalesOut) this.#tick();
    else for (let slot = 0; slot < slotCount; slot++) this.#startDrain(slot, 0);
    this.#produce();
    this.#operate();
    this.#disturb();
    while (this.#time.steps < stepsOfWorld && this.#ledger.violations.length === 0) {
      if (!(await this.#time.step())) break;
    }
    this.#isCalm = true;
    this.#isOutage = false;
    this.#ledger.execute(["DEL", control]);
    this.#network.weather = fairWeather;
    const limit = this.#time.steps + calmStepsMax;
    while (this.#time.steps < limit && this.#ledger.violations.length === 0 && !this.#isAtRest()) {
      await this.#time.step();
    }
    this.#checkEnd();
    return {
      steps: this.#time.steps,
      figures: {
        pushed: this.#ledger.pushedCount,
        acked: this.#ledger.ackedCount,
        dead: this.#ledger.deadCount,
        deaths: this.#deaths,
        runs: this.#runs,
        recovered: this.#ledger.recoveredCount,
        started: this.#started,
      },
      violations: this.#ledger.violations,
    };
  }

  #isAtRest(): boolean {
    return this.#ledger.pendingCount === 0 && this.#keysLeft().length === 0;
  }

  /** Keys beside the dead letters and the marks that end by themselves. */
  #keysLeft(): string[] {
    return this.#ledger
      .keysLeft()
      .filter((key) => key !== `{${list}}:dead` && !/:done:|:busy$|:control$|:held$|:rates$/.test(key))
      .filter((key) => !Object.values<string>(effectKeys).includes(key));
  }

  #checkEnd(): void {
    const { violations } = this.#ledger;
    if (violations.length > 0) return;
    this.#ledger.checkRuns();
    if (!this.#isAtRest()) {
      violations.push(
        `did not come to rest: ${this.#ledger.pendingCount} messages pending, keys ${this.#keysLeft().join(" ")}`,
      );
    }
    const { pushedCount, ackedCount, deadCount } = this.#ledger;
    if (pushedCount !== ackedCount + deadCount) {
      violations.push(`${pushedCount} pushed, ${ackedCount} acknowledged, ${deadCount} dead`);
    }
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick<Value>(values: readonly Value[]): Value {
    return values[Math.floor(this.#random() * values.length)] as Value;
  }

  #produce(): void {
    if (this.#isCalm) return;
    // Bursts bring more than one drain can do in time; no more than these, or the ledger would look for ever.
    const most = this.#scalesOut ? (this.#ledger.pendingCount < 100 ? 80 : 0) : 9;
    const count = 1 + Math.floor(this.#random() * (most + 1));
    // Producers are not ours to make reliable: theirs arrive.
    for (let one = 0; one < count; one++) {
      this.#ledger.execute([this.#isFromLeft ? "RPUSH" : "LPUSH", fromText(list), this.#makePayload()]);
    }
    this.#time.after(this.#random() * 2_000, () => this.#produce());
  }

  #makePayload(): string {
    // Equal payloads have no order that could be told.
    if (this.#order !== "strict" && this.#chance(0.05)) return this.#pick(["n", "f"]);
    const possible = Object.entries(this.#order === "byKey" ? kindsByKey : kinds);
    const letters = possible.flatMap(([kind, weight]) => kind.repeat(weight).split(""));
    this.#pushed += 1;
    return `${this.#pick(letters)}${this.#pushed}`;
  }

  /** In strict order all have one key; else one in eight has none, nor have equal payloads. */
  #keyOf(payload: string): string | undefined {
    if (this.#order === "strict") return "all";
    const number = Number(payload.slice(1));
    if (this.#order === "fifo" || !(number % 8)) return undefined;
    return `key ${number % this.#keyCount}`;
  }

  /** Someone who recovers, redrives and pauses by hand, now and then, over the same network. */
  #operate(): void {
    if (this.#isCalm) return;
    const process = this.#makeProcess(`operator-${this.#runs}`);
    const drain = this.#makeDrain(process);
    const acts = [
      () => drain.recover(),
      () => drain.deadLetters.redrive({ max: 1 + Math.floor(this.#random() * 5) }),
      () => drain.pause(),
      ...(this.#limitsKeys ? [() => drain.limits.set({ perKey: this.#pick(keyLimits) })] : []),
    ];
    this.#pick(acts)().catch(() => undefined);
    this.#time.after(this.#random() * 20_000, () => this.#ledger.execute(["HDEL", control, "paused"]));
    const waitMs = this.#order === "byKey" ? 15_000 : 60_000;
    this.#time.after(waitMs / 12 + this.#random() * waitMs, () => this.#operate());
  }

  /** Outages of what handlers depend on, and steps of Redis' clock. */
  #disturb(): void {
    if (this.#isCalm) return;
    if (this.#chance(0.3)) this.#isOutage = !this.#isOutage;
    if (this.#chance(0.2)) this.#redisSkew += this.#random() * 8_000;
    this.#time.after(this.#random() * 60_000, () => this.#disturb());
  }

  #makeProcess(holder: string): Process {
    return {
      isDead: false,
      isAborted: false,
      ran: new Set(),
      clockRate: 0.95 + this.#random() * 0.1,
      clockOffset: this.#random() * 1e9,
      holder,
    };
  }

  /** What begins chains in a world that scales out. */
  #tick(): void {
    this.#startDrain(invoked, 0);
    this.#time.after(this.#random() * (this.#isCalm ? 60_000 : 10_000), () => this.#tick());
  }

  /** Starts a drain that starts again when it has ended; one that a tick or a drain has `invoked` does not. */
  #startDrain(slot: number, afterMs: number, chain?: ChainPosition): void {
    this.#time.after(afterMs, () => {
      this.#runs += 1;
      const process = this.#makeProcess(`p${slot}-${this.#runs}`);
      const budgetMs = this.#pick([1_000, 5_000, 15_000, 60_000]);
      const pauseMs = this.#random() * (this.#isCalm ? 60_000 : 5_000);
      const controller = new AbortController();
      if (!this.#isCalm && this.#chance(0.35)) {
        this.#time.after(this.#random() * budgetMs, () => this.#kill(process, slot));
      }
      if (!this.#isCalm && this.#chance(0.05)) {
        this.#time.after(this.#random() * budgetMs, () => {
          process.isAborted = true;
          // What runs may be given back, and run again.
          for (const payload of process.ran) this.#ledger.noteExcuse(payload);
          controller.abort();
        });
      }
      const options = {
        budgetMs,
        signal: controller.signal,
        ...(chain ? { chain } : {}),
        ...(this.#chance(0.1) ? { maxMessages: 3 } : {}),
      };
      void this.#makeDrain(process, slot, chain)
        .run(options)
        .then((report) => {
          this.#checkReport(report);
          if (!process.isDead && slot !== invoked) this.#startDrain(slot, pauseMs);
        });
    });
  }

  #kill(process: Process, slot: number): void {
    if (process.isDead) return;
    process.isDead = true;
    this.#deaths += 1;
    if (slot !== invoked) this.#startDrain(slot, this.#random() * 5_000);
  }

  #makeDrain(process: Process, slot = invoked, chain?: ChainPosition): Drain {
    const handler = (message: Message): Promise<HandlerOutcome | undefined> =>
      this.#handle(message, process, slot);
    let made = 0;
    return createDrain({
      redis: this.#network.client(process),
      list,
      handler: this.#prefersIdempotent ? idempotent(handler, { ttlMs: 600_000 }) : handler,
      clock: this.#time.clock(process),
      random: this.#random,
      randomId: () => `${process.holder}-${made++}`,
      batchSize: this.#pick([1, 2, 5, 20]),
      concurrency: this.#pick([1, 3, 10]),
      consumeFrom: this.#isFromLeft ? "left" : "right",
      prefetch: this.#pick([0, 1]),
      maxConcurrency: this.#maxConcurrency,
      order:
        this.#order === "byKey"
          ? {
              byKey: ({ payload }) => this.#keyOf(payload),
              parkedMax: this.#pick([3, 50, 10_000]),
              concurrency: this.#isLoose ? 3 : 1,
            }
          : this.#order,
      maxAttempts: this.#maxAttempts,
      requestTimeoutMs: this.#pick([200, 2_000, 10_000]),
      retryDelay: { baseMs: this.#pick([1, 100, 5_000]), maxMs: 30_000 },
      brake: this.#pick([false, { after: 3, pauseMs: 500, maxMs: 30_000 }]),
      ...(this.#hasChains ? { continuation: this.#continuation(process, chain) } : {}),
      ...(this.#scalesOut ? { scaleOut: scaleOut({ withinMs: this.#pick([20, 200, 2_000]) }) } : {}),
      ...(this.#chance(0.5) ? { leaseMs: this.#pick([500, 3_000, 20_000]) } : {}),
      ...(this.#chance(0.5) ? { handlerTimeoutMs: this.#pick([300, 3_000]) } : {}),
    });
  }

  /** One that never goes on, but where the world scales out: the drains of a chain tell the others that they are there. */
  #continuation(process: Process, chain: ChainPosition | undefined): Continuation {
    if (!this.#scalesOut) return { name: "none", invoke: async () => null };
    return {
      name: "simulated",
      maxHops: hopsMax,
      invoke: async (next) => this.#invoke(next),
      invokeBeside: async (next) => {
        this.#ledger.waves.noteStart(process.holder, chain, next, this.#time.now);
        this.#started += 1;
        return this.#invoke(next);
      },
    };
  }

  /** Starts the drain, but for a platform that refuses it, loses it, or starts it twice. */
  #invoke({ chain }: NextDrain): null {
    if (this.#chance(0.1)) throw new ContinuationError("continuation-refused", "Not now.");
    if (this.#chance(0.05)) throw new ContinuationError("continuation-unknown", "No answer.");
    const times = this.#pick([0, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
    for (let time = 0; time < times; time++) this.#startDrain(invoked, this.#random() * 300, chain);
    return null;
  }

  async #handle(message: Message, process: Process, slot: number): Promise<HandlerOutcome | undefined> {
    const { payload } = message;
    // A dead process does nothing more.
    if (process.isDead) return new Promise(() => undefined);
    this.#ledger.noteRun(payload, message.attempt);
    process.ran.add(payload);
    const kind = payload[0] as keyof typeof kinds;
    if (kind === "c") {
      this.#kill(process, slot);
      return new Promise(() => undefined);
    }
    const isSlow = kind === "s" && this.#chance(0.5);
    await this.#wait(process, isSlow ? this.#random() * 30_000 : this.#random() * 150);
    if (process.isDead) return new Promise(() => undefined);
    const outcome = this.#decide(kind);
    if (outcome === "done") {
      if (kind === "b") return effects.b;
      this.#ledger.noteFinished(process.holder, payload);
      if (kind === "e") return effects.e;
      if (kind === "g") return forward(effectKeys.onward, payload);
      return this.#chance(0.5) ? ack : undefined;
    }
    // Given back, it runs again; what failed is noted when it is settled.
    if (outcome === release || outcome instanceof Overloaded || process.isAborted)
      this.#ledger.noteExcuse(payload);
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }

  #decide(kind: keyof typeof kinds): "done" | Error | HandlerOutcome {
    if (this.#isOutage) return new Error("down");
    if (kind === "x") return new Error("always");
    if (kind === "f" && this.#chance(0.4)) return new Error("sometimes");
    if (kind === "o" && this.#chance(0.6)) return new Overloaded();
    if (kind === "r" && this.#chance(0.5)) return release;
    if (kind === "w" && this.#chance(0.5)) return retry({ afterMs: this.#random() * 10_000 });
    if (kind === "d") return deadLetter("no such thing");
    return "done";
  }

  #wait(process: Process, ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#time.after(ms, () => {
        if (!process.isDead) resolve();
      });
    });
  }

  #checkReport(report: DrainReport): void {
    const { claimed, acked, finished, retried, released, lostLease, leftBehind, error } = report;
    if (acked - finished + retried + released + lostLease + leftBehind > claimed) {
      this.#ledger.violations.push(`a report settles more than was claimed: ${JSON.stringify(report)}`);
    }
    if (error && !/^Redis|^(Spillway|Continuation)Error$/.test(error.name)) {
      this.#ledger.violations.push(`a drain ended by ${error.name}: ${error.message} ${error.stack}`);
    }
  }
}

interface Figures {
  pushed: number;
  acked: number;
  dead: number;
  deaths: number;
  runs: number;
  recovered: number;
  started: number;
}

/** Simulates worlds until so many steps have been taken. A world that breaks is named by its own seed. */
export async function proveSimulation(options: {
  steps: number;
  seed: number;
  /** Worlds of this order alone. Default: of all in turn. */
  order?: WorldOrder;
}): Promise<Proof> {
  const total: Figures = { pushed: 0, acked: 0, dead: 0, deaths: 0, runs: 0, recovered: 0, started: 0 };
  let steps = 0;
  let worlds = 0;
  while (steps < options.steps) {
    const seed = options.seed + worlds;
    const result = await new World(seed, options.order).run();
    worlds += 1;
    steps += result.steps;
    for (const name of Object.keys(total) as (keyof Figures)[]) total[name] += result.figures[name];
    if (result.violations.length > 0) {
      return {
        isHolding: false,
        line: `simulation: broken in the world of seed ${seed}; replay it with -- --only simulation --steps 1 --seed ${seed}${options.order ? ` --order ${options.order}` : ""}`,
        problems: result.violations.slice(0, 10),
      };
    }
  }
  const { pushed, acked, dead, deaths, runs, recovered, started } = total;
  return {
    isHolding: true,
    line: `simulation: ${steps} steps in ${worlds} worlds, ${runs} drains of which ${deaths} died and ${started} were asked to help, ${pushed} messages: ${acked} acknowledged, ${dead} dead letters, ${recovered} recovered from dead drains, 0 lost, 0 stuck`,
    problems: [],
  };
}
