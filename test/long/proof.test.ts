import { describe, expect, it } from "vitest";
import { proveBrakeBound } from "../prove/brake-bound.ts";
import { proveModel } from "../prove/model.ts";
import { proveOrderModel } from "../prove/order-model.ts";
import { provePlainModel } from "../prove/plain-model.ts";
import type { Proof } from "../prove/proof.ts";
import { proveSimulation } from "../prove/simulation.ts";

/** `npm run prove` is the same in any size; `proof-kills.test.ts` has its kills. */
describe("the promises hold for longer", () => {
  const seed = 20_271_123;
  const expectHolding = ({ isHolding, line, problems }: Proof): void => {
    expect(isHolding, [line, ...problems].join("\n")).toBe(true);
  };

  it("in a world of eight drains, wrong clocks, and a network that loses, doubles and reorders", async () => {
    expectHolding(await proveSimulation({ steps: 100_000, seed }));
  });

  it("for a list of nothing but failing messages, which ends within the bound that the docs state", async () => {
    expectHolding(await proveBrakeBound({ seed }));
  });

  it("against a model, after every command on a real Redis", async () => {
    expectHolding(await proveModel({ runs: 1_000, seed }));
  });

  it("of the orders, against a model of lines, after every step on a real Redis", async () => {
    expectHolding(await proveOrderModel({ runs: 400, seed }));
  });

  it("for the plain engine, as far as they are its own", async () => {
    expectHolding(await provePlainModel({ runs: 300, seed }));
  });
});
