import fc from "fast-check";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import type { Batch, Broker } from "../../src/broker/broker.ts";
import { plainBroker } from "../../src/broker/plain.ts";
import type { Outcome } from "../../src/handling/outcome.ts";
import { type RedisClient, RedisTransportError } from "../../src/index.ts";
import { deadLetters } from "../../src/operations/dead-letters.ts";
import { listKeys } from "../../src/redis/keys.ts";
import { Sender } from "../../src/redis/sender.ts";
import { faultyClient } from "../support/faulty-client.ts";
import { startTestRedis } from "../support/redis.ts";
import type { Proof } from "./proof.ts";

const keys = listKeys("p");
const maxAttempts = 3;
const visibilityTimeoutMs = 600_000;
const clock = { now: () => performance.now(), after: () => () => undefined };

type Step =
  | { readonly do: "push"; readonly count: number }
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
  | { readonly do: "crash"; readonly drain: number }
  | { readonly do: "wait" }
  | { readonly do: "redrive" };

type Fault = "none" | "lose-reply" | "lose-request";

const outcome = fc.constantFrom<Outcome>(
  { kind: "ack" },
  { kind: "ack" },
  { kind: "release" },
  { kind: "retry", delayMs: 0, isFailure: true },
  { kind: "dead-letter", cause: { reason: "no" }, isFailure: false },
);
const drain = fc.nat({ max: 1 });
const wanted = fc.array(outcome, { minLength: 1, maxLength: 4 });
const fault = fc.constantFrom<Fault>("none", "none", "none", "lose-reply", "lose-request");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("push" as const), count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({
    do: fc.constant("turn" as const),
    drain,
    count: fc.integer({ min: 1, max: 5 }),
    wanted,
    fault,
  }),
  fc.record({
    do: fc.constant("turn" as const),
    drain,
    count: fc.integer({ min: 1, max: 5 }),
    wanted,
    fault,
  }),
  fc.record({ do: fc.constant("settle" as const), drain, wanted, fault }),
  fc.record({ do: fc.constant("crash" as const), drain }),
  fc.record({ do: fc.constant("wait" as const) }),
  fc.record({ do: fc.constant("redrive" as const) }),
);

/** Two drains of the plain engine on one list, and what its promise is held against: no message is ever nowhere. */
class PlainRun {
  readonly #client: RedisClient;
  readonly #brokers: Broker[];
  readonly #held: Batch[][] = [[], []];
  #fault: Fault = "none";
  #pushed = 0;
  readonly #acked = new Set<string>();
  #mayDouble = false;

  constructor(client: RedisClient) {
    this.#client = client;
    this.#brokers = [0, 1].map((holder) =>
      plainBroker({
        sender: new Sender({ client: this.#faulty(), clock, requestTimeoutMs: 10_000, giveUpAt: 0 }),
        keys,
        holder: `p${holder}`,
        workingList: keys.sharedWorking,
        visibilityTimeoutMs,
        maxBatchBytes: 1_000_000,
        maxAttempts,
        deadCountMax: 0,
      }),
    );
  }

  #faulty(): RedisClient {
    return faultyClient(this.#client, () => {
      const given = this.#fault;
      this.#fault = "none";
      if (given !== "none") this.#mayDouble = true;
      return given;
    });
  }

  async do(one: Step): Promise<void> {
    switch (one.do) {
      case "push": {
        const payloads = Array.from({ length: one.count }, () => `m${this.#pushed++}`);
        await this.#client.command(["LPUSH", keys.list, ...payloads]);
        break;
      }
      case "turn":
      case "settle":
        await this.#exchange(one);
        break;
      case "crash":
        (this.#held[one.drain] as Batch[]).length = 0;
        break;
      case "wait": {
        // A drain that is slower than the timeout, as the docs warn, meets its messages in other hands.
        if (this.#held.some((batches) => batches.length > 0)) this.#mayDouble = true;
        // As if all that has been seen in the working list had been there for longer than the timeout.
        const seen = (await this.#client.command(["HKEYS", keys.seen])) as string[];
        for (const digest of seen) await this.#client.command(["HSET", keys.seen, digest, 1_000]);
        await this.#client.command(["DEL", keys.recovering]);
        break;
      }
      case "redrive": {
        const sender = () =>
          new Sender({
            client: this.#client,
            clock,
            requestTimeoutMs: 10_000,
            giveUpAt: Number.POSITIVE_INFINITY,
          });
        await deadLetters(sender, keys).redrive({ max: 2 });
        break;
      }
    }
    await this.#check();
  }

  async #exchange(one: Step & { do: "turn" | "settle" }): Promise<void> {
    const held = this.#held[one.drain] as Batch[];
    const broker = this.#brokers[one.drain] as Broker;
    const batch = held.shift();
    const outcomes = (batch?.messages ?? []).map((message, at): Outcome => {
      const said = one.wanted[at % one.wanted.length] as Outcome;
      const isLast = said.kind === "retry" && message.earlierAttempts + 1 >= maxAttempts;
      return isLast ? { kind: "dead-letter", cause: { reason: "exhausted" }, isFailure: true } : said;
    });
    // Its handler has run and succeeded, whatever becomes of the request: from here on it need be nowhere.
    for (const [at, message] of (batch?.messages ?? []).entries()) {
      if (outcomes[at]?.kind === "ack") this.#acked.add(message.raw);
    }
    this.#fault = one.fault;
    const settlement = batch && { batch, outcomes, isMarked: [] };
    const request = { countMax: one.do === "turn" ? one.count : 1, leaseMs: 60_000 };
    try {
      if (one.do === "settle") {
        if (settlement) await broker.settle(settlement);
        return;
      }
      const result = settlement ? await broker.turn(settlement, request) : await broker.claim(request);
      if (result.batch) held.push(result.batch);
    } catch (error) {
      if (!(error instanceof RedisTransportError)) throw error;
    } finally {
      this.#fault = "none";
    }
  }

  async #check(): Promise<void> {
    const [list, working, delayed, dead] = (await this.#client.pipeline([
      ["LRANGE", keys.list, 0, -1],
      ["LRANGE", keys.sharedWorking, 0, -1],
      ["ZRANGE", keys.delayed, 0, -1],
      ["LRANGE", keys.dead, 0, -1],
    ])) as string[][];
    const places = [
      ...(list ?? []),
      ...(working ?? []),
      ...(delayed ?? []).map((member) => member.slice(member.indexOf(":") + 1)),
      ...(dead ?? []).map((entry) => entry.slice(entry.indexOf("\n") + 1)),
    ];
    const found = new Set(places);
    for (let number = 0; number < this.#pushed; number++) {
      if (!found.has(`m${number}`) && !this.#acked.has(`m${number}`)) throw new Error(`m${number} is lost`);
    }
    if (!this.#mayDouble && found.size !== places.length) {
      throw new Error(`a message is in two places, and no request was lost: ${places.join(" ")}`);
    }
  }
}

/** Sequences of steps of two plain drains against a real Redis: nothing is lost, and nothing doubled without a fault. */
export async function provePlainModel(options: { runs: number; seed: number }): Promise<Proof> {
  const server = await startTestRedis();
  const client = ioredis({ url: server.url });
  let count = 0;
  try {
    const result = await fc.check(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25, size: "max" }), async (steps) => {
        await client.command(["FLUSHALL"]);
        const run = new PlainRun(client);
        for (const one of steps) {
          count += 1;
          await run.do(one);
        }
      }),
      { numRuns: options.runs, seed: options.seed },
    );
    return {
      isHolding: !result.failed,
      line: `model of the plain engine: ${result.numRuns} runs, ${count} steps, ${result.failed ? "broken" : "none lost"}`,
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
