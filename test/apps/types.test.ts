import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installedProject, type Project, root } from "./project.ts";

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const peers = Object.keys(manifest.peerDependencies);
const entries = Object.keys(manifest.exports)
  .filter((name) => name !== "./package.json")
  .map((name) => name.replace(/^\./, "spillway"));

/** A use of the drain whose types a user would miss. */
const use = `
import { createDrain, toBytes, type DrainReport } from "spillway";
import { upstash } from "spillway/upstash";
await using drain = createDrain({
  redis: upstash({ url: "https://x", token: "t" }),
  list: "emails",
  handler: (message) => { const payload: string = message.payload; },
});
export const report: DrainReport = await drain.run();
export const answer = new Response(toBytes("bytes"));
// @ts-expect-error: a drain has a handler.
createDrain({ redis: upstash({ url: "https://x", token: "t" }), list: "emails" });
`;

const nodenext = ["--module", "nodenext", "--moduleResolution", "nodenext"];
const bundler = ["--module", "esnext", "--moduleResolution", "bundler"];
// No skipLibCheck: what is declared in the package is checked as what is the user's own.
const strict = ["--noEmit", "--strict", "--target", "es2022", "--pretty", "false"];

/** Compiles files of a project, and gives what the compiler says. */
async function faultsOf(
  project: Project,
  compiler: string,
  files: Readonly<Record<string, string>>,
  settings: readonly string[],
): Promise<string[]> {
  await project.write(files);
  const args = [`node_modules/${compiler}/bin/tsc`, ...strict, ...settings, ...Object.keys(files)];
  const { code, output } = await project.run(process.execPath, args);
  const faults = output.split("\n").filter((line) => line !== "");
  if (code !== 0 && faults.length === 0) throw new Error(`The compiler ended with ${code} and said nothing.`);
  return faults;
}

function importsOf(names: readonly string[]): string {
  return names.map((name, at) => `export * as entry${at} from "${name}";\n`).join("");
}

describe("the types of every entry, checked with the libraries", () => {
  let old: Project;
  let current: Project;
  let alone: Project;

  beforeAll(async () => {
    // The newest hono wants TypeScript 5.7; who stays with an older one has the oldest hono that the package takes.
    const { hono } = manifest.dependencies;
    old = await installedProject({
      type: "module",
      dependencies: { hono: hono.replace("^", ""), typescript: "~5.4.0" },
    });
    current = await installedProject({
      type: "module",
      dependencies: { "typescript-7": "npm:typescript@^7.0.0" },
    });
    alone = await installedProject({ type: "module" });
    for (const project of [old, current]) await project.link([...peers, "@types/node"]);
    for (const project of [current, alone]) await project.link(["typescript"]);
    await current.link(["@cloudflare/workers-types"]);
  });
  afterAll(async () => {
    for (const project of [old, current, alone]) await project?.remove();
  });

  // The CDK's types take a compiler ten seconds: one meets them.
  const withoutCdk = entries.filter((name) => name !== "spillway/cdk");
  it.each<[string, string, () => Project, string, readonly string[], readonly string[]]>([
    ["TypeScript 5.4", "nodenext", () => old, "typescript", nodenext, withoutCdk],
    ["TypeScript 5.4", "bundler", () => old, "typescript", bundler, withoutCdk],
    ["TypeScript 6", "nodenext", () => current, "typescript", nodenext, withoutCdk],
    ["TypeScript 6", "bundler", () => current, "typescript", bundler, withoutCdk],
    ["TypeScript 7", "nodenext", () => current, "typescript-7", nodenext, withoutCdk],
    ["TypeScript 7", "bundler", () => current, "typescript-7", bundler, entries],
  ])("have no fault for %s with %s", async (_, __, project, compiler, resolution, names) => {
    const files = { "entries.ts": importsOf(names), "use.ts": use };
    expect(await faultsOf(project(), compiler, files, [...resolution, "--types", "node"])).toEqual([]);
  });

  it("have no fault in a Worker, whose types are Cloudflare's and neither the DOM's nor Node's", async () => {
    const names = [
      "cloudflare",
      "upstash-fetch",
      "upstash",
      "http",
      "fetch",
      "signed",
      "qstash",
      "logging",
      "ui",
    ];
    const files = { "worker.ts": importsOf(["spillway", ...names.map((name) => `spillway/${name}`)]) };
    const settings = [...bundler, "--lib", "es2022", "--types", "@cloudflare/workers-types"];
    expect(await faultsOf(current, "typescript-7", files, settings)).toEqual([]);
  });

  it.each<[string, () => Project, string, string]>([
    [
      "TypeScript 5.4, by import()",
      () => old,
      "typescript",
      'export const name: Promise<string> = import("spillway").then(({ createDrain }) => createDrain.name);',
    ],
    [
      "TypeScript 6",
      () => current,
      "typescript",
      'import { createDrain } from "spillway"; export const { name } = createDrain;',
    ],
    [
      "TypeScript 7, by require",
      () => current,
      "typescript-7",
      'import spillway = require("spillway"); export const { name } = spillway.createDrain;',
    ],
  ])("have no fault in a CommonJS module, for %s", async (_, project, compiler, code) => {
    const settings = [...nodenext, "--types", "node"];
    expect(await faultsOf(project(), compiler, { "common.cts": code }, settings)).toEqual([]);
  });

  it("name what is to be installed where a peer is missing, and want none elsewhere", async () => {
    const files = { "entries.ts": importsOf(entries), "use.ts": use };
    const faults = await faultsOf(alone, "typescript", files, nodenext);
    const named = faults.map(
      (fault) => /(?:Cannot find module|npm i --save-dev) ['`]?([^'`]+)['`]/.exec(fault)?.[1],
    );
    const packages = named.map(
      (name = "") => peers.find((peer) => `${name}/`.startsWith(`${peer}/`)) ?? name,
    );
    expect(faults.filter((_, at) => named[at] === undefined)).toEqual([]);
    expect([...new Set(packages)].sort()).toEqual(
      [
        "@aws-sdk/client-lambda",
        "@opentelemetry/api",
        "@types/node",
        "aws-cdk-lib",
        "constructs",
        "ioredis",
      ].sort(),
    );
    const places = new Set(faults.map((fault) => /dist\/([\w-]+?)(?:-[\w-]{8})?\.d\.ts/.exec(fault)?.[1]));
    expect([...places].sort()).toEqual(["cdk", "ioredis", "lambda", "local", "node-redis", "opentelemetry"]);
  });
});
