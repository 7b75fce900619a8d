import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { gzippedBytesMax } from "../../infra/cloudflare/bundle.ts";
import { mutations } from "../prove/mutation-list.ts";

const root = new URL("../../", import.meta.url).pathname;
const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");
const { engines } = JSON.parse(read("package.json"));
const measured = JSON.parse(read("docs/benchmarks/results.json"));
const workflow = read(".github/workflows/ci.yml");

/** What the benchmark measured of an entrant, at the middle of its runs. */
function medianOf(load: string, peer: string, under: string, figure: string): number {
  const found = measured[load].find(
    (row: { peer: string; under: string }) => row.peer === peer && row.under === under,
  );
  return found.figures[figure].median;
}

/** To so many figures, as the pages write numbers. */
const rounded = (value: number, figures: number): string =>
  Number(value.toPrecision(figures)).toLocaleString("en");

/** What CI runs, such as 6.2, 7.4 and 8.2. */
const serversOf = (image: string): string =>
  [...workflow.matchAll(new RegExp(`"${image}:([\\d.]+)-`, "g"))]
    .map(([, number]) => number)
    .join(", ")
    .replace(/, ([^,]+)$/, " and $1");

/** A number that a page says, where it stands, and what it comes from. Add yours. */
const numbers: readonly [page: string, sentence: RegExp, comesFrom: string][] = [
  ["README.md", /Node ([\d.]+) or newer/, engines.node.replace(">=", "")],
  [
    "README.md",
    /At a round trip of 20 ms ([\d,]+) messages a second over REST/,
    rounded(medianOf("throughput", "Spillway, REST", "20 ms", "perSecond"), 2),
  ],
  [
    "README.md",
    /a loop of `RPOPLPUSH` and `LREM` does (\d+)/,
    rounded(medianOf("throughput", "naive loop", "20 ms", "perSecond"), 2),
  ],
  ["docs/faq.md", /Redis .*CI runs ([\d., and]+) \|/, serversOf("redis")],
  ["docs/faq.md", /Valkey \| yes: CI runs ([\d., and]+) \|/, serversOf("valkey/valkey")],
  ["docs/faq.md", /A tick a minute is ([\d,]+) commands a month/, rounded(30 * 24 * 60, 5)],
  ["docs/cloudflare.md", /its gzipped size, and fails above (\d+) KB/, String(gzippedBytesMax / 1_024)],
  ["docs/reliability.md", /on purpose, in a copy, (\d+) times/, String(mutations.length)],
];

it.each(numbers)("%s says a number that is still so: %s", (page, sentence, comesFrom) => {
  expect(sentence.exec(read(page))?.[1]).toBe(comesFrom);
});
