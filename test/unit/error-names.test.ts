import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { expect, it, onTestFinished } from "vitest";
import * as sources from "../../src/index.ts";

/** The core as a user's bundler may make it: every name that is not a string is another one. */
async function minified(): Promise<Record<string, unknown>> {
  const folder = await mkdtemp(join(tmpdir(), "spillway-names-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const outfile = join(folder, "core.mjs");
  await build({ entryPoints: ["src/index.ts"], bundle: true, minify: true, format: "esm", outfile });
  return import(/* @vite-ignore */ pathToFileURL(outfile).href);
}

/** What the constructors take: a code or an option first, a text, an object of details, or a list. */
const arguments_ = [["continuation-failed", "text"], ["text", { isRetryable: false }], [{}], [[]]];

it("errors keep their names in a bundle that was minified: reports, logs and other copies know them by name", async () => {
  const copy = await minified();
  const names = Object.entries(sources)
    .filter(([, value]) => typeof value === "function" && value.prototype instanceof Error)
    .map(([name]) => name);
  expect(names).toContain("OptionError");
  for (const name of names) {
    const Minified = copy[name] as new (...given: unknown[]) => Error;
    const made = arguments_.flatMap((given) => {
      try {
        return [new Minified(...given).name];
      } catch {
        return [];
      }
    });
    expect([...new Set(made)]).toEqual([name]);
  }
});
