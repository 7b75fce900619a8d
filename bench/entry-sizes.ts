/** `npm run sizes`: writes what each entry of the package weighs into `entry-sizes.json`, to which a test holds it. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const table = at("entry-sizes.json");

/** The code of each entry and all it loads of ours, minified and gzipped, bytes. Packages that are installed beside it do not count. */
export async function entrySizes(): Promise<Record<string, number>> {
  const { exports } = JSON.parse(readFileSync(at("../package.json"), "utf8"));
  const sizes: Record<string, number> = {};
  for (const [name, { default: file }] of Object.entries<{ default?: string }>(exports)) {
    if (file === undefined) continue;
    const { outputFiles } = await build({
      entryPoints: [at(`../${file}`)],
      bundle: true,
      minify: true,
      write: false,
      format: "esm",
      target: "es2023",
      packages: "external",
      external: ["node:*"],
      logLevel: "error",
    });
    sizes[name.replace(/^\./, "spillway")] = gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length;
  }
  return sizes;
}

/** What the table says. */
export function notedSizes(): Record<string, number> {
  return JSON.parse(readFileSync(table, "utf8"));
}

if (import.meta.main) {
  writeFileSync(table, `${JSON.stringify(await entrySizes(), null, 2)}\n`);
}
