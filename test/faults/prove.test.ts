import { describe, expect, it } from "vitest";
import { proveModel } from "../prove/model.ts";
import { proveOrderModel } from "../prove/order-model.ts";
import { provePlainModel } from "../prove/plain-model.ts";
import type { Proof } from "../prove/proof.ts";

/** The models in small; `test/long/proof.test.ts` has more, and the simulation; `proof-kills.test.ts` has the kills. `npm run prove` is of any size. */
describe("the promises hold", () => {
  const seed = 20_261_123;
  const expectHolding = ({ isHolding, line, problems }: Proof): void => {
    expect(isHolding, [line, ...problems].join("\n")).toBe(true);
  };

  it("against a model, after every command on a real Redis", async () => {
    expectHolding(await proveModel({ runs: 20, seed }));
  });

  it("of the orders, against a model of lines, after every step on a real Redis", async () => {
    expectHolding(await proveOrderModel({ runs: 25, seed }));
  });

  it("for the plain engine, as far as they are its own", async () => {
    expectHolding(await provePlainModel({ runs: 20, seed }));
  });
});
