import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeOutcomes } from "../../src/broker/outcome-codes.ts";
import { NonRetryableError, type Outcome, Overloaded } from "../../src/handling/outcome.ts";
import { hostileValues, lyingError, revoked, unreadable } from "../support/hostile-values.ts";
import { claimedAt, processAll } from "../support/process-all.ts";

const dayMs = 86_400_000;
const yearMs = 31_536_000_000;

/** Checks what the script is going to be told: whole numbers in their bounds, and text that is well-formed and short. */
function checkSent(outcomes: readonly Outcome[]): void {
  const messages = outcomes.map((_, at) => ({
    raw: String(at),
    earlierAttempts: 0,
    crashes: 0,
    firstFailedAt: null,
  }));
  const batch = { id: "drain.1", messages, expiresAt: claimedAt, leaseEndsAt: 0 };
  const { codes, details } = encodeOutcomes({ batch, outcomes, isMarked: [] });
  expect(codes).toMatch(/^[acrfwxdo]+$/);
  for (const detail of details) {
    const [, untilMs, , rest] = /^(\d+) ([fx]) ([\s\S]*)$/.exec(String(detail)) ?? [];
    if (untilMs !== undefined) expect(Number(untilMs)).toBeLessThanOrEqual(claimedAt + 2 * dayMs);
    checkDetail(rest ?? String(detail));
  }
}

function checkDetail(detail: string): void {
  if (/^\d+$/.test(detail)) expect(Number(detail)).toBeLessThanOrEqual(yearMs);
  else {
    expect(detail.length).toBeLessThan(40_000);
    const letter = JSON.parse(`{${detail}`) as Record<string, unknown>;
    expect(JSON.stringify(letter)).not.toMatch(/\\ud[89a-f]/);
    expect(letter.reason).toBeTypeOf("string");
  }
}

const numbers = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e21,
  -1e21,
  -5,
  -0,
  0.4,
  2 ** 53,
  1e308,
  5e-324,
];
const numberLikes: unknown[] = [
  ...numbers,
  "5",
  "1e21",
  5n,
  null,
  undefined,
  {},
  [],
  [5],
  new Date(5),
  Symbol("5"),
  true,
  () => 5,
  unreadable(),
  revoked(),
];

/** An `Overloaded` by name only, as another copy or another library makes it. */
function overloaded(untilMs: unknown): Error {
  return Object.assign(new Error("full"), { name: "Overloaded", untilMs });
}

describe("whatever a handler throws", () => {
  it.each(hostileValues)("%s makes an outcome that Redis can read", async (_, make) => {
    for (const earlier of [5, 1]) {
      const policy = { maxAttempts: earlier, retryDelay: { baseMs: 1_000, maxMs: 2_000 }, random: () => 0.5 };
      const { outcomes } = await processAll(1, {
        policy,
        handler: () => {
          const value = make();
          if (value instanceof Promise) value.catch(() => undefined);
          throw value;
        },
      });
      expect(outcomes[0]?.kind).toBe(earlier === 1 ? "dead-letter" : "retry");
      checkSent(outcomes);
    }
  });

  it.each(["name", "message", "stack", "untilMs", "cause"])(
    "an error whose %s throws does too",
    async (key) => {
      const { outcomes } = await processAll(1, {
        handler: () => {
          throw lyingError(key);
        },
      });
      expect(outcomes[0]?.kind).toBe("retry");
      checkSent(outcomes);
    },
  );

  it.each(numberLikes.map((value) => [typeof value === "object" ? "an object" : String(value), value]))(
    "Overloaded until %s is a moment within a day, or none",
    async (_, untilMs) => {
      for (const error of [overloaded(untilMs), new Overloaded({ untilMs: untilMs as number })]) {
        const { outcomes } = await processAll(1, {
          handler: () => {
            throw error;
          },
        });
        expect(outcomes[0]?.kind).toBe("overloaded");
        checkSent(outcomes);
      }
    },
  );

  it.each(numberLikes.map((value) => [typeof value === "object" ? "an object" : String(value), value]))(
    "a retryDelay that gives %s, or a promise of it, is a delay within a year, or the default",
    async (_, delay) => {
      for (const given of [delay, Promise.resolve(delay)]) {
        const { outcomes } = await processAll(1, {
          handler: () => {
            throw new Error("no");
          },
          policy: { maxAttempts: 5, retryDelay: () => given as number, random: () => 0.5 },
        });
        const isReadable = typeof delay === "number" && Number.isFinite(delay) && delay >= 0;
        const wanted = isReadable ? Math.min(Math.round(delay), yearMs) : 500;
        expect(outcomes).toEqual([{ kind: "retry", delayMs: wanted, isFailure: true }]);
      }
    },
  );

  it("errors of any text and any number make an outcome that Redis can read", async () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 3_000 }),
      fc.constant("\ud800"),
      fc.anything(),
    );
    const error = fc
      .record({
        name: fc.oneof(fc.constantFrom("Overloaded", "NonRetryableError", "Error"), text),
        message: text,
        stack: text,
        untilMs: fc.oneof(fc.double(), fc.anything()),
      })
      .map((parts) => Object.assign(new Error("no"), parts));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(error, fc.anything()),
        fc.oneof(fc.double(), fc.anything()),
        async (thrown, delay) => {
          const { outcomes } = await processAll(1, {
            handler: () => {
              throw thrown;
            },
            policy: { maxAttempts: 2, retryDelay: () => delay as number, random: () => delay as number },
          });
          checkSent(outcomes);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("and returns makes one too", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.anything({ withNullPrototype: true, withSparseArray: true, withMap: true, withSet: true }),
        async (returned) => {
          checkSent((await processAll(1, { handler: () => returned as never })).outcomes);
          checkSent((await processAll(2, { batchHandler: () => returned as never })).outcomes);
          checkSent((await processAll(2, { batchHandler: () => ({ failed: returned }) as never })).outcomes);
          checkSent((await processAll(1, { batchHandler: () => [returned] as never })).outcomes);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("the text of a dead letter is cut between characters", async () => {
    const { outcomes } = await processAll(1, {
      handler: () => {
        throw new NonRetryableError("😀".repeat(2_000));
      },
    });
    const [outcome] = outcomes;
    expect(outcome?.kind === "dead-letter" && outcome.cause.error?.message).toBe("😀".repeat(500));
    checkSent(outcomes);
  });
});
