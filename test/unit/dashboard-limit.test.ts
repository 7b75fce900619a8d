import { describe, expect, it } from "vitest";
import { rateOf, withRate } from "../../adapters/ui/page/limit.ts";

const rate = { messages: 20, windowMs: 1_500 };
const perKey = { inFlight: 1 };

describe("the limit that the dashboard sets", () => {
  it.each([
    ["a rate where there was no limit", null, rate, rate],
    ["a rate in place of another", { messages: 1, windowMs: 1 }, rate, rate],
    ["no rate", rate, null, null],
    ["a rate, and leaves what each key may have", { perKey }, rate, { ...rate, perKey }],
    ["no rate, and leaves what each key may have", { ...rate, perKey }, null, { perKey }],
  ])("is %s", (_, before, wanted, after) => {
    expect(withRate(before, wanted)).toEqual(after);
  });

  it("is shown where there is one, and not where only keys have one", () => {
    expect([rateOf({ ...rate, perKey }), rateOf({ perKey })]).toEqual([rate, null]);
  });
});
