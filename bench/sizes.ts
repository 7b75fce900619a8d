import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const dist = (name: string): string => fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url));

/** What a bundle carries for each choice, minified and gzipped, bytes. Spillway is the built package. */
export async function bundleSizes(): Promise<Map<string, number>> {
  const spillway = `export { createDrain } from ${JSON.stringify(dist("index"))};`;
  const client = (name: string): string => `export { upstash } from ${JSON.stringify(dist(name))};`;
  const sources = {
    "Spillway, core": spillway,
    "Spillway and upstash-fetch": spillway + client("upstash-fetch"),
    "Spillway and @upstash/redis": spillway + client("upstash"),
    "@upstash/queue and @upstash/redis": `export { Queue } from "@upstash/queue"; export { Redis } from "@upstash/redis";`,
    BullMQ: `export { Worker } from "bullmq";`,
    "bee-queue": `export { default } from "bee-queue";`,
  };
  const sizes = new Map<string, number>();
  for (const [name, contents] of Object.entries(sources)) {
    const isEdge = name.startsWith("Spillway");
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
      bundle: true,
      minify: true,
      write: false,
      format: "esm",
      platform: isEdge ? "neutral" : "node",
      mainFields: ["module", "main"],
      logLevel: "error",
    });
    sizes.set(name, gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length);
  }
  return sizes;
}
