import { Command, InvalidArgumentError, Option } from "commander";
import { proveBrakeBound } from "./brake-bound.ts";
import { proveKills } from "./kills.ts";
import { proveModel } from "./model.ts";
import { proveMutations } from "./mutations.ts";
import { proveOrderModel } from "./order-model.ts";
import { provePlainModel } from "./plain-model.ts";
import type { Proof } from "./proof.ts";
import { proveSimulation, worldOrders } from "./simulation.ts";

interface Options {
  runs: number;
  steps: number;
  kills: number;
  seed: number;
  only?: string;
  order?: (typeof worldOrders)[number];
  mutations?: string;
  share: string;
}

const { runs, steps, kills, seed, only, order, mutations, share } = new Command("prove")
  .description("Tries to break the promises: a model, a simulation, kills of real processes, mutations.")
  .option("--runs <count>", "runs of each model", readCount, 500)
  .option("--steps <count>", "steps of the simulation", readCount, 100_000)
  .option("--kills <count>", "processes to kill", readCount, 60)
  .option("--seed <number>", "where everything random comes from", readCount, 1)
  .option("--only <part>", "one part: simulation, brake, model, order-model, plain-model, kills or mutations")
  .addOption(new Option("--order <order>", "simulation: worlds of this order alone").choices(worldOrders))
  .option(
    "--share <k/n>",
    "mutations: every nth of them, from the kth on, so that n runs try them all",
    "1/1",
  )
  .option(
    "--mutations <text>",
    "mutations: only those whose name, or the parts that can meet them, hold this",
  )
  .parse()
  .opts<Options>();

const parts: Record<string, () => Promise<Proof>> = {
  simulation: () => proveSimulation({ steps, seed, ...(order ? { order } : {}) }),
  brake: () => proveBrakeBound({ seed }),
  model: () => proveModel({ runs, seed }),
  "order-model": () => proveOrderModel({ runs, seed }),
  "plain-model": () => provePlainModel({ runs, seed }),
  kills: () => proveKills({ kills, seed }),
  mutations: () => proveMutations({ seed, named: mutations ?? "", share, log: (line) => console.log(line) }),
};

const chosen = Object.entries(parts).filter(([name]) => only === undefined || name === only);
if (chosen.length === 0) {
  console.error(`error: there is no part "${only}"; there are ${Object.keys(parts).join(", ")}.`);
  process.exit(2);
}
for (const [, prove] of chosen) {
  const startedAt = performance.now();
  const { isHolding, line, problems } = await prove();
  console.log(
    `${isHolding ? "holds" : "BROKEN"}  ${line} (${Math.round((performance.now() - startedAt) / 1_000)} s)`,
  );
  for (const problem of problems) console.log(`  ${problem}`);
  if (!isHolding) process.exitCode = 1;
}

function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new InvalidArgumentError("wanted: a whole number of at least 1.");
  return count;
}
