/** `npm run api` writes docs/api-report.md; `npm run check:api` fails where it is not what the built package shows. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiReport } from "./report.ts";

const root = new URL("../../", import.meta.url).pathname;
const path = join(root, "docs/api-report.md");
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  exports: Record<string, string | { types: string }>;
};
const entries = Object.entries(exports).flatMap(([name, target]) =>
  typeof target === "string" ? [] : [{ name: name.replace(/^\./, "spillway"), types: target.types }],
);
const report = apiReport(root, entries);

if (process.argv.includes("--check")) {
  const committed = readFileSync(path, "utf8");
  if (report !== committed) {
    console.error(
      "The public surface is not what docs/api-report.md says. If that is meant, run npm run api:",
    );
    for (const line of changes(committed, report)) console.error(line);
    process.exitCode = 1;
  }
} else {
  writeFileSync(path, report);
}

/** The lines that only one of them has, a few of them. */
function changes(before: string, after: string): string[] {
  const [old, now] = [before.split("\n"), after.split("\n")];
  const [oldSet, nowSet] = [new Set(old), new Set(now)];
  return [
    ...old.filter((line) => !nowSet.has(line)).map((line) => `- ${line}`),
    ...now.filter((line) => !oldSet.has(line)).map((line) => `+ ${line}`),
  ].slice(0, 40);
}
