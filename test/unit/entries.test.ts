import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import tsdown from "../../tsdown.config.ts";

const root = new URL("../../", import.meta.url).pathname;
const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** What tsdown builds: the name of an entry, and its source. */
const built = Object.entries((tsdown as { entry: Record<string, string> }).entry);
const entries = built.filter(([name]) => name !== "cli");
const manifest = JSON.parse(read("package.json"));

describe("an entry of the package is the same wherever it is named", () => {
  it("in package.json: every entry that is built is exported, with its types, and nothing else is", () => {
    const wanted = entries.map(([name]) => [
      name === "index" ? "." : `./${name}`,
      { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` },
    ]);
    const { "./package.json": own, ...exported } = manifest.exports;
    expect(exported).toEqual(Object.fromEntries(wanted));
    expect(own).toBe("./package.json");
    expect(manifest.bin).toEqual({ spillway: "./dist/cli.js" });
  });

  it("in tsdown: each is made of a file that is there", () => {
    for (const [name, source] of built) expect(existsSync(join(root, source)), name).toBe(true);
  });

  it("in tsconfig: its name leads to its source, so that examples and tests are checked as users write them", () => {
    const { config } = ts.parseConfigFileTextToJson("tsconfig.json", read("tsconfig.json"));
    const wanted = entries.map(([name, source]) => [
      name === "index" ? "spillway" : `spillway/${name}`,
      [`./${source}`],
    ]);
    expect(config.compilerOptions.paths).toEqual(Object.fromEntries(wanted));
  });

  it("in knip: which takes the entries from tsdown, so that its own list names none, and nothing that is not there", () => {
    const knip = JSON.parse(read("knip.json"));
    for (const pattern of knip.entry) {
      const files = globSync(pattern, { cwd: root, exclude: ["node_modules/**"] });
      expect(files, pattern).not.toEqual([]);
      for (const [, source] of built) expect(files, pattern).not.toContain(source);
    }
    const declared = Object.keys({ ...manifest.devDependencies, ...manifest.dependencies });
    for (const name of knip.ignoreDependencies) expect(declared).toContain(name);
  });
});
