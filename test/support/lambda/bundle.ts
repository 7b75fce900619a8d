import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

/** Bundles a function as the infrastructure does: one ES module, minified, without the SDK that Lambda brings. */
export async function bundleFunction(entry: string): Promise<{ file: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "spillway-bundle-"));
  const file = join(folder, "index.mjs");
  await build({
    entryPoints: [entry],
    outfile: file,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node24",
    external: ["@aws-sdk/*"],
    // Without our paths "spillway" is the built package, as it is for users.
    tsconfigRaw: {},
    logLevel: "error",
  });
  return { file, remove: () => rm(folder, { recursive: true, force: true }) };
}
