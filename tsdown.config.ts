import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import type { OutputBundle, PluginContext } from "rolldown";
import { esmExternalRequirePlugin } from "rolldown/plugins";
import { defineConfig } from "tsdown";
import { bundlePage, inPage } from "./.ci/bundle-page.ts";
import { minifiedModule } from "./.ci/minify-lua.ts";

/**
 * Packages that the build takes in, for they are small and in no type of ours: nobody installs what only a server or the
 * command line needs. Then ioredis for the command line, and what it is made of; and its questions.
 */
export const builtIn: readonly string[] = [
  ...["@hono/node-server", "commander", "croner"],
  ...[
    "ioredis",
    "@ioredis/commands",
    "cluster-key-slot",
    "debug",
    "denque",
    "ms",
    "redis-errors",
    "standard-as-callback",
  ],
  ...[
    "@clack/prompts",
    "@clack/core",
    "fast-string-truncated-width",
    "fast-string-width",
    "fast-wrap-ansi",
    "sisteransi",
  ],
];

export default defineConfig({
  entry: {
    index: "src/index.ts",
    upstash: "adapters/redis/upstash.ts",
    "upstash-fetch": "adapters/redis/upstash-fetch.ts",
    ioredis: "adapters/redis/ioredis.ts",
    "node-redis": "adapters/redis/node-redis.ts",
    http: "adapters/http/index.ts",
    node: "adapters/hosts/node/server.ts",
    lambda: "adapters/hosts/lambda/index.ts",
    cdk: "infra/aws/index.ts",
    cloudflare: "adapters/hosts/cloudflare/index.ts",
    fetch: "adapters/hosts/fetch/index.ts",
    qstash: "adapters/continue/qstash/index.ts",
    signed: "adapters/continue/signed/index.ts",
    opentelemetry: "adapters/telemetry/opentelemetry.ts",
    logging: "adapters/telemetry/logging.ts",
    local: "adapters/local/index.ts",
    testing: "adapters/testing/index.ts",
    ui: "adapters/ui/index.ts",
    cli: "cli/main.ts",
  },
  format: "esm",
  platform: "neutral",
  target: "es2023",
  dts: true,
  // `await using` of a drain: a compiler whose own library has no `Symbol.asyncDispose` finds it all the same.
  banner: { dts: '/// <reference lib="esnext.disposable" />' },
  sourcemap: true,
  clean: true,
  // The Lua of the in-memory store, read when a first script runs; and what the command line's sample drains.
  copy: [
    { from: "examples/webhooks.ndjson" },
    { from: "node_modules/wasmoon-lua5.1/dist/liblua5.1.wasm" },
    { from: "node_modules/wasmoon-lua5.1/LICENSE", rename: "liblua5.1.LICENSE" },
  ],
  deps: {
    neverBundle: [/^node:/, "supports-color"],
    // The command line must work from the package alone; whoever uses `spillway/ioredis` brings an ioredis.
    alwaysBundle: (id, importer) => id === "ioredis" && /\/cli\/[^/]+\.ts$/.test(importer ?? ""),
    onlyBundle: [...builtIn],
  },
  inputOptions: { resolve: { mainFields: ["module", "main"] } },
  // One name for what is not ours, which needs no source map.
  hooks: { "build:done": dropMaps },
  outputOptions: {
    chunkFileNames: ({ moduleIds }) =>
      moduleIds.some((id) => id.includes("/node_modules/")) ? "built-in-[hash].js" : "[name]-[hash].js",
  },
  plugins: [
    // Packages in CommonJS require these; in a module they must be imported.
    esmExternalRequirePlugin({ external: [...builtinModules] }),
    { name: "minified-lua", transform: withMinifiedLua },
    { name: "bundled-page", transform: withBundledPage },
    { name: "licenses", generateBundle: addLicenses },
  ],
});

/** The scripts for Redis, minified. A script in parts is one text by then. */
async function withMinifiedLua(_code: string, id: string): Promise<{ code: string; map: null } | null> {
  if (!/src\/broker\/scripts\/([^/]+|turn(-\w+)?\/index)\.ts$/.test(id)) return null;
  return { code: minifiedModule(await import(id)), map: null };
}

function isPageFiles(id: string): boolean {
  return id.endsWith("/adapters/ui/page-files.ts");
}

/** The dashboard's page, as texts: nothing of it is left to bundle where it is served. */
async function withBundledPage(_code: string, id: string): Promise<{ code: string; map: null } | null> {
  if (!isPageFiles(id)) return null;
  const code = `const files = ${JSON.stringify(await bundlePage())};\nexport const pageFiles = async () => files;\n`;
  return { code, map: null };
}

/** Maps of what is not ours and of the command line, which nobody steps through; and the comments that point to no map. */
function dropMaps(): void {
  const inDist = (name: string): string => join(import.meta.dirname, "dist", name);
  for (const name of globSync("{built-in-*,cli.js}.map", { cwd: inDist("") })) rmSync(inDist(name));
  const maps = new Set(globSync("*.map", { cwd: inDist("") }));
  for (const name of globSync("*.{js,d.ts}", { cwd: inDist("") })) {
    if (maps.has(`${name}.map`)) continue;
    const code = readFileSync(inDist(name), "utf8");
    writeFileSync(inDist(name), code.replace(/\n\/\/# sourceMappingURL=\S+\s*$/, "\n"));
  }
}

/** The licenses of the packages that are built in, which they want kept with every copy. */
function addLicenses(this: PluginContext, _options: unknown, bundle: OutputBundle): void {
  const folders = Object.values(bundle)
    .flatMap((output) => (output.type === "chunk" ? output.moduleIds : []))
    .flatMap((id) =>
      isPageFiles(id)
        ? inPage.map((name) => join(import.meta.dirname, "node_modules", name, "package.json"))
        : id,
    )
    .map((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? "")
    .filter((folder) => folder !== "");
  const texts = [...new Set(folders)].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    const [file] = globSync("{LICENSE,LICENCE,license}*", { cwd: folder });
    if (file === undefined) throw new Error(`${name} is built in, and has no license to add.`);
    return `# ${name} ${version}\n\n${readFileSync(`${folder}/${file}`, "utf8").trim()}\n`;
  });
  this.emitFile({ type: "asset", fileName: "LICENSES.md", source: texts.join("\n") });
}
