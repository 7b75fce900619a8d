import { VirtualTime } from "../../adapters/testing/virtual-time.ts";
import { createDrain, type DrainOptions, Overloaded } from "../../src/index.ts";
import { Ledger } from "./ledger.ts";
import { fairWeather, Network } from "./network.ts";
import type { Proof } from "./proof.ts";
import { seeded } from "./random.ts";

const list = "q";
const tickMs = 60_000;
const maxAttempts = 5;
const messageCount = 500;

interface Scenario {
  readonly name: string;
  readonly brake: NonNullable<DrainOptions["brake"]>;
  readonly retryMaxMs: number;
  readonly fail: () => Error;
  /** ms in which a list of nothing but failing messages must end, as docs/guarantees.md states it. */
  readonly boundMs: number;
}

const hourMs = 3_600_000;
/** Time for a message to be fetched by the next tick, and for one pass over the list. */
const passMs = 2 * tickMs;

const scenarios: readonly Scenario[] = [
  {
    name: "always failing, defaults",
    brake: {},
    retryMaxMs: 900_000,
    fail: () => new Error("always"),
    boundMs: hourMs + maxAttempts * (900_000 + passMs),
  },
  {
    name: "always failing, a short brake",
    brake: { after: 3, pauseMs: 100, maxPauseMs: 5_000, maxMs: 120_000 },
    retryMaxMs: 10_000,
    fail: () => new Error("always"),
    boundMs: 120_000 + maxAttempts * (10_000 + passMs),
  },
  {
    name: "always Overloaded, defaults",
    brake: {},
    retryMaxMs: 900_000,
    fail: () => new Overloaded(),
    boundMs: hourMs + maxAttempts * (900_000 + passMs),
  },
];

/** A list of nothing but messages that always fail ends in the dead letters, within the bound that the docs state. */
export async function proveBrakeBound(options: { seed: number }): Promise<Proof> {
  const figures: string[] = [];
  const problems: string[] = [];
  for (const scenario of scenarios) {
    const tookMs = await untilAllDead(scenario, options.seed);
    figures.push(`${scenario.name} ${minutes(tookMs)} of at most ${minutes(scenario.boundMs)} min`);
    if (tookMs > scenario.boundMs) problems.push(`${scenario.name}: took longer than its bound`);
  }
  return {
    isHolding: problems.length === 0,
    line: `brake: ${messageCount} messages to the last dead letter: ${figures.join("; ")}`,
    problems,
  };
}

function minutes(ms: number): number {
  return Math.round(ms / 60_000);
}

async function untilAllDead(scenario: Scenario, seed: number): Promise<number> {
  const random = seeded(seed);
  const time = new VirtualTime();
  const redisNow = (): number => 1_700_000_000_000 + time.now;
  const ledger = new Ledger({ list, redisNow, maxAttempts, maxConcurrency: 1 });
  const process = { isDead: false, clockRate: 1, clockOffset: 0 };
  const drain = createDrain({
    redis: new Network(time, ledger, random, fairWeather).client(process),
    list,
    clock: time.clock(process),
    random,
    maxAttempts,
    brake: scenario.brake,
    retryDelay: { maxMs: scenario.retryMaxMs },
    handler: () => {
      throw scenario.fail();
    },
  });
  ledger.execute(["LPUSH", list, ...Array.from({ length: messageCount }, (_, at) => `x${at}`)]);
  const tick = (): void => {
    void drain.run({ budgetMs: 30_000 });
    time.after(tickMs, tick);
  };
  tick();
  while (ledger.deadCount < messageCount && time.now <= scenario.boundMs && ledger.violations.length === 0) {
    await time.step();
  }
  if (ledger.violations.length > 0) throw new Error(ledger.violations.join("; "));
  return time.now;
}
