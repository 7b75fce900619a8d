import { spawnSync } from "node:child_process";
import { globSync, statSync } from "node:fs";

/** Builds the package where its sources are newer, once before all tests: some run what users get, not the sources. */
export default function buildPackage(): void {
  const sources = globSync([
    "src/**/*.ts",
    "adapters/**/*.{ts,tsx,css,html}",
    "cli/**/*.ts",
    "package.json",
    "tsdown.config.ts",
    ".ci/{bundle-page,minify-lua}.ts",
  ]);
  const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs));
  const builtAt = statSync("dist/index.js", { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (builtAt >= newest) return;
  const { status, stdout, stderr } = spawnSync("npx", ["tsdown"], { encoding: "utf8" });
  if (status !== 0) throw new Error(`The package could not be built.\n${stdout}${stderr}`);
}
