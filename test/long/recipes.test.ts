import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as testing from "../../adapters/testing/index.ts";
import * as spillway from "../../src/index.ts";
import { type Sample, samplesOf } from "../docs/samples.ts";

const root = resolve(import.meta.dirname, "../..");
const [ofVitest, ofNode, ofJest, ...others] = samplesOf("docs/testing.md").filter(
  ({ language }) => language === "ts",
);
let folder: string;

/** A folder in which the package is installed as users have it. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "spillway-recipes-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(root, join(folder, "node_modules/spillway"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(args: readonly string[], recipe: Sample): Promise<string> {
  const file = join(folder, `${recipe.place.replace(/\W/g, "-")}.test.ts`);
  await writeFile(file, recipe.code);
  const { stdout } = await promisify(execFile)(process.execPath, [...args, file], { cwd: folder });
  return stdout;
}

it("docs/testing.md has a recipe for each of the runners, and this file runs them all", () => {
  const runners = [ofVitest, ofNode, ofJest].map(
    (recipe) => /^import .*\btest\b.* from (.*);$/m.exec(recipe?.code ?? "")?.[1],
  );
  expect(runners).toEqual(['"vitest"', '"node:test"', undefined]);
  expect(others).toEqual([]);
});

it("the recipe for vitest does what it says", async () => {
  const tests: (() => Promise<void>)[] = [];
  const names = {
    ...spillway,
    ...testing,
    expect,
    test: (_: string, body: () => Promise<void>) => tests.push(body),
  };
  const body = stripTypeScriptTypes((ofVitest as Sample).code.replace(/^import .*\n/gm, ""));
  new Function(...Object.keys(names), body)(...Object.values(names));
  expect(tests.length).toBe(1);
  for (const test of tests) await test();
});

it("the recipe for node:test passes in Node's own runner, with the package as it is built", async () => {
  const output = await run(["--test", "--test-reporter=tap"], ofNode as Sample);
  expect(output).toMatch(/# pass 1\n# fail 0/);
});

it("the recipe for jest passes where modules have globals of their own, as jest loads them", async () => {
  const runner = join(root, "test/testing/jest-like.ts");
  const output = await run(["--experimental-vm-modules", "--no-warnings", runner], ofJest as Sample);
  expect(output).toBe("passed: 1\n");
});
