import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { Redis } from "ioredis";
import { type LoadName, loads, type Row } from "./loads.ts";
import { writeInto } from "./markdown.ts";
import type { Results } from "./report/goals.ts";
import { goalsOf } from "./report/goals.ts";
import { type Machine, markdownOf, measuredOn } from "./report/markdown.ts";
import { chainsPlot, stuckPlot, throughputPlot } from "./report/plots.ts";
import { Stage } from "./stage.ts";

const docs = new URL("../docs/", import.meta.url);
const names = Object.keys(loads) as LoadName[];
const options = new Command()
  .description("Measures Spillway and its peers side by side, and writes docs/benchmarks.md.")
  .option("--only <loads>", `some of ${names.join(",")}`, readNames, names)
  .option("--runs <count>", "rounds; tables show the median", readCount, 3)
  .option("--quick", "small counts and one round, to see whether it works; writes nothing")
  .parse()
  .opts<{ only: LoadName[]; runs: number; quick?: true }>();

const isQuick = options.quick === true;
const runs = isQuick ? 1 : options.runs;
const stage = await Stage.open();
try {
  const results: Results = {};
  const said = isQuick ? "" : measuredOn(await describeMachine());
  const startedAt = Date.now();
  for (const name of options.only) {
    console.log(`${name} (${Math.round((Date.now() - startedAt) / 1_000)} s)`);
    const rows = await loads[name](stage, { runs, isQuick, say: (line) => console.log(line) });
    results[name] = rows;
    // A load that fails must not take with it what those before have measured.
    if (!isQuick) await publish({ [name]: rows }, said);
  }
  for (const { wanted, got, isMet } of isQuick ? [] : goalsOf(results)) {
    console.log(`${isMet ? "met   " : "MISSED"}  ${wanted}: ${got}`);
  }
  console.log(`Took ${Math.round((Date.now() - startedAt) / 1_000)} s.`);
} finally {
  await stage.close();
}

/** Adds to what earlier runs have measured, so that `--only` replaces only its own tables. `said`: when and where it was. */
async function publish(measured: Results, said: string): Promise<void> {
  const folder = new URL("benchmarks/", docs);
  await mkdir(folder, { recursive: true });
  const file = new URL("results.json", folder);
  const earlier = await readFile(file, "utf8").then(
    (text) => JSON.parse(text) as Results,
    () => ({}),
  );
  const results: Results = { ...earlier, ...measured };
  await writeFile(file, `${JSON.stringify(results, null, 1)}\n`);
  const where = new URL("measured.json", folder);
  const places = {
    ...(JSON.parse(await readFile(where, "utf8").catch(() => "{}")) as Record<string, string>),
    ...Object.fromEntries(Object.keys(measured).map((name) => [name, said])),
  };
  await writeFile(where, `${JSON.stringify(places, null, 1)}\n`);
  const plot = async (name: string, rows: Row[] | undefined, draw: (rows: Row[]) => Promise<string>) => {
    if (rows) await writeFile(new URL(`${name}.svg`, folder), await draw(rows));
  };
  await plot("throughput", measured.throughput, throughputPlot);
  await plot("stuck", measured.stuck, stuckPlot);
  await plot("chains", measured.chains, chainsPlot);
  await writeInto("benchmarks.md", { generated: markdownOf(results, places) });
}

async function describeMachine(): Promise<Machine> {
  const redis = new Redis(stage.redisUrl, { protocol: 2 });
  const version = /redis_version:(\S+)/.exec(await redis.info("server"))?.[1];
  redis.disconnect();
  const roundTrips: string[] = [];
  for (const ms of [0, 5, 20, 80]) roundTrips.push(`${ms} ms: ${(await stage.roundTripOf(ms)).toFixed(1)}`);
  return {
    when: new Date().toISOString().slice(0, 10),
    cores: `${cpus().length} × ${cpus()[0]?.model.trim()}, with the peer, the REST server, the proxy and Redis all on them`,
    versions: `Node ${process.versions.node}, Redis ${version}, ${["bullmq", "bee-queue", "@upstash/queue", "@upstash/redis", "ioredis"].map((name) => `${name} ${versionOf(name)}`).join(", ")}`,
    command: `npm run bench -- --runs ${runs}`,
    roundTrips,
  };
}

function versionOf(name: string): string {
  const { dependencies, devDependencies } = createRequire(import.meta.url)("../package.json");
  return { ...dependencies, ...devDependencies }[name];
}

function readNames(text: string): LoadName[] {
  const given = text.split(",");
  const unknown = given.find((name) => !names.includes(name as LoadName));
  if (unknown !== undefined) throw new InvalidArgumentError(`"${unknown}" is none of ${names.join(", ")}.`);
  return given as LoadName[];
}

function readCount(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError("A whole number from 1 to 99.");
  return Number(text);
}
