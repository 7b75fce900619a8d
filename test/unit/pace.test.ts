import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeHop } from "../../src/index.ts";
import { Pace } from "../../src/run/pace.ts";

describe("the pace of a drain", () => {
  it("sets no bound before the first batch has been seen, unless no time is left", () => {
    expect(new Pace().countThatFits(1_000)).toBe(Number.POSITIVE_INFINITY);
    expect(new Pace().countThatFits(0)).toBe(0);
  });

  it("fits as many messages as the measured rate allows", () => {
    const pace = new Pace();
    pace.note(10, 1, 1_000);
    expect(pace.countThatFits(550)).toBe(5);
  });

  it("goes by what it is told, until it has seen for itself", () => {
    const pace = new Pace(2_000);
    expect(pace.countThatFits(100)).toBe(50);
    pace.note(10, 1, 60);
    expect(pace.paceUs).toBe(4_000);
  });

  it("can be told to the next drain whatever the clock did", () => {
    for (const elapsedMs of [-5, 0, 1e12]) {
      const pace = new Pace();
      pace.note(1, 1, elapsedMs);
      expect(writeHop({ list: "mail", chain: { id: "c", hop: 1, paceUs: pace.paceUs } })).toBeDefined();
    }
  });

  it("fits none where the time left is shorter than one handler takes", () => {
    const pace = new Pace();
    pace.note(100, 50, 2_000);
    expect(pace.countThatFits(999)).toBe(0);
    expect(pace.countThatFits(1_000)).toBe(50);
  });

  it("never fits more than the time left holds, whatever was measured", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 10_000 })), {
          minLength: 1,
        }),
        fc.integer({ min: 1, max: 100_000 }),
        (batches, leftMs) => {
          const pace = new Pace();
          for (const [count, elapsedMs] of batches) pace.note(count, 1, elapsedMs);
          const fastest = Math.min(...batches.map(([count, elapsedMs]) => elapsedMs / count));
          expect(pace.countThatFits(leftMs)).toBeLessThanOrEqual(Math.max(1, leftMs / fastest + 1e-6));
        },
      ),
    );
  });
});
