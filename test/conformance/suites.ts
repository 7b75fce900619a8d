import { describe } from "vitest";
import type { RedisClient } from "../../src/index.ts";
import { type RedisUnderTest, useClient } from "../support/redis-under-test.ts";
import { attemptsSuite } from "./attempts.ts";
import { brakeSuite } from "./brake.ts";
import { bytesSuite } from "./bytes.ts";
import { controlSuite } from "./control.ts";
import { costsSuite } from "./costs.ts";
import { crashesSuite } from "./crashes.ts";
import { deadLettersSuite } from "./dead-letters.ts";
import { deadlinesSuite } from "./deadlines.ts";
import { decodingSuite } from "./decoding.ts";
import { deploymentsSuite } from "./deployments.ts";
import { effectsSuite } from "./effects.ts";
import { idempotentSuite } from "./idempotent.ts";
import { keyConcurrencySuite } from "./key-concurrency.ts";
import { keyLimitSettingsSuite } from "./key-limit-settings.ts";
import { keyLimitsSuite } from "./key-limits.ts";
import { keyOrderSuite } from "./key-order.ts";
import { leasesSuite } from "./leases.ts";
import { listsSuite } from "./lists.ts";
import { looksSuite } from "./looks.ts";
import { messageKeysSuite } from "./message-keys.ts";
import { orderSuite } from "./order.ts";
import { orderedEffectsSuite } from "./ordered-effects.ts";
import { outcomesSuite } from "./outcomes.ts";
import { pushSuite } from "./push.ts";
import { recoverySuite } from "./recovery.ts";
import { refusedEffectsSuite } from "./refused-effects.ts";
import { repliesSuite } from "./replies.ts";
import { makeSetup, type Setup, type Suite } from "./setup.ts";
import { sizesSuite } from "./sizes.ts";
import { slotsSuite } from "./slots.ts";
import { strictOrderSuite } from "./strict-order.ts";
import { tenantsSuite } from "./tenants.ts";
import { workingListSuite } from "./working-list.ts";

/** What every engine promises. */
const common: readonly Suite[] = [
  orderSuite,
  sizesSuite,
  bytesSuite,
  attemptsSuite,
  deadlinesSuite,
  repliesSuite,
  slotsSuite,
  outcomesSuite,
  decodingSuite,
  deadLettersSuite,
  costsSuite,
  pushSuite,
  controlSuite,
  strictOrderSuite,
  effectsSuite,
  listsSuite,
  tenantsSuite,
  looksSuite,
];

/** A suite a promise, for each engine: those of all, and its own. */
const suites: Readonly<Record<Setup["engine"], readonly Suite[]>> = {
  scripted: [
    ...common,
    leasesSuite,
    recoverySuite,
    crashesSuite,
    brakeSuite,
    idempotentSuite,
    refusedEffectsSuite,
    deploymentsSuite,
    keyOrderSuite,
    keyLimitsSuite,
    keyLimitSettingsSuite,
    keyConcurrencySuite,
    messageKeysSuite,
    orderedEffectsSuite,
  ],
  plain: [...common, workingListSuite],
};

/** Every suite, with every engine, over one client. */
export function engineConformance<Server>(
  name: string,
  redis: RedisUnderTest<Server>,
  open: (server: Server) => RedisClient | Promise<RedisClient>,
  /** Suites that this server cannot serve. */
  except: readonly Suite[] = [],
  /** Options of all its drains. */
  always: Parameters<typeof makeSetup>[3] = {},
): void {
  describe(`over ${name}`, () => {
    const client = useClient(redis, open);
    for (const engine of ["scripted", "plain"] as const) {
      describe(`the ${engine} engine`, () => {
        const setup = makeSetup(engine, redis.door, client, always);
        for (const suite of suites[engine]) if (!except.includes(suite)) suite(setup);
      });
    }
  });
}
