import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { testToken } from "../redis.ts";
import { useRestServer } from "../redis-under-test.ts";
import { measureTimeScale } from "../time-scale.ts";
import { bundleFunction } from "./bundle.ts";
import { type FunctionOptions, type Invocation, type Lambda, startLambda } from "./emulator.ts";

/** A slower machine gets longer budgets and longer work: as many messages fit into an invocation everywhere. */
const scaled = measureTimeScale();
const workMs = scaled(60);
/** Far behind the budget: only those invocations end here that are meant to. */
const timeoutMs = scaled(6_000);

export interface ChainWorldOptions {
  readonly messageCount: number;
  /** On two idle cores, ms. In each 120 ms of it 100 messages are handled. */
  readonly budgetMs: number;
}

/**
 * The whole path of a chain on Lambda: the function bundled from the built package, the real SDK, an endpoint that treats it
 * as Lambda does, the real Upstash client, and a real Redis. One chain at a time: two would starve each other's budgets.
 */
export function useChainWorld({ messageCount, budgetMs }: ChainWorldOptions) {
  const redis = useRestServer();
  const { door } = redis;
  let bundle: Awaited<ReturnType<typeof bundleFunction>>;
  let lambda: Lambda;

  beforeAll(async () => {
    bundle = await bundleFunction(fileURLToPath(new URL("./functions/drain.ts", import.meta.url)));
  });
  afterEach(() => lambda?.stop());
  afterAll(() => bundle?.remove());

  return {
    /** Creates the function, and fills its list. */
    async deploy(options: Partial<FunctionOptions> = {}): Promise<Lambda> {
      lambda = await startLambda();
      lambda.create({
        name: "drain",
        file: bundle.file,
        timeoutMs,
        recursiveLoop: "Allow",
        maximumRetryAttempts: 0,
        maximumEventAgeMs: scaled(60_000),
        ...options,
        environment: {
          REDIS_URL: redis.server().url,
          REDIS_TOKEN: testToken,
          LIST: "mail",
          BUDGET_MS: String(scaled(budgetMs)),
          WORK_MS: String(workMs),
          SPILLWAY_RECURSIVE_LOOP: "Allow",
          ...options.environment,
        },
      });
      await this.push(0, messageCount);
      return lambda;
    },

    /** Pushes messages numbered from `first` on. */
    async push(first: number, count: number): Promise<void> {
      const payloads = Array.from({ length: count }, (_, index) => String(first + index));
      for (let at = 0; at < count; at += 5_000) {
        await door.redis.lpush("mail", ...payloads.slice(at, at + 5_000));
      }
    },

    /** How many drains hold leases. */
    async liveDrains(): Promise<number> {
      const batches = await door.redis.zrange("{mail}:leases", 0, "-1");
      return new Set(batches.map((batch) => batch.replace(/\.\d+$/, ""))).size;
    },

    tick: () => lambda.invoke("drain", { spillway: "tick" }, { type: "Event" }),

    /** A schedule beside the chain, until nothing is left. */
    async tickUntilEmpty(): Promise<void> {
      while ((await door.redis.exists("mail", "{mail}:leases", "{mail}:delayed")) > 0) {
        await this.tick();
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
      await lambda.idle();
    },

    /** Payloads that ran more than once. Throws where one never ran. */
    repeated(count = messageCount): string[] {
      const runs = new Map<string, number>();
      for (const { logs } of lambda.invocations) {
        for (const line of logs) {
          const payload = /^handled (\d+)$/.exec(line)?.[1];
          if (payload !== undefined) runs.set(payload, (runs.get(payload) ?? 0) + 1);
        }
      }
      expect(runs.size, lastReportOf(lambda)).toBe(count);
      return [...runs].filter(([, times]) => times > 1).map(([payload]) => payload);
    },

    hopCount: () => lambda.invocations.filter((invocation) => hopOf(invocation) !== null).length,

    chains: () => new Set(lambda.invocations.flatMap((invocation) => hopOf(invocation)?.chainId ?? [])),

    outcomes: () => [...new Set(lambda.invocations.map(({ outcome }) => outcome))],

    keys: () => door.redis.keys("*"),
  };
}

export const hopOf = (invocation: Invocation) => {
  const { spillway } = invocation.event as { spillway?: { chainId: string; hop: number } | "tick" };
  return typeof spillway === "object" ? spillway : null;
};

/** What ended last, for whoever reads that a chain stopped too early. */
function lastReportOf({ invocations }: Lambda): string {
  return `the last of ${invocations.length} invocations: ${JSON.stringify(invocations.at(-1)?.result ?? null)}`;
}
