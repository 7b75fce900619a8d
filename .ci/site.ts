import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/**
 * Builds the documentation site into `docs/.vitepress/dist`: `npm run site`. With `dev` it serves the site and follows
 * changes: `npm run site:dev`. What builds it is large, so it stands in `docs/package.json` and is installed here, once.
 */
const root = join(import.meta.dirname, "..");
const docs = join(root, "docs");

install();
// These import what was just installed.
const { drawDiagrams, siteSources } = await import("../docs/.vitepress/diagrams.ts");
const { outsidePages } = await import("../docs/.vitepress/navigation.ts");
for (const { source, page } of outsidePages()) {
  mkdirSync(dirname(join(docs, page)), { recursive: true });
  copyFileSync(join(root, source), join(docs, page));
}
await drawDiagrams(siteSources());
if (isReferenceOld()) node(".vitepress/reference.ts");
node("node_modules/vitepress/bin/vitepress.js", process.argv[2] === "dev" ? "dev" : "build", ".");

/** Installs what the lock says, where that is not there yet. */
function install(): void {
  const lock = readFileSync(join(docs, "package-lock.json"), "utf8");
  const note = join(docs, "node_modules/.installed-lock.json");
  if (existsSync(note) && readFileSync(note, "utf8") === lock) return;
  execFileSync("npm", ["ci", "--ignore-scripts", "--no-fund", "--no-audit"], { cwd: docs, stdio: "inherit" });
  writeFileSync(note, lock);
}

/** Whether a source is newer than the pages that are made from its docstrings. */
function isReferenceOld(): boolean {
  const sources = globSync(
    [
      "{src,adapters,infra/aws}/**/*.ts",
      "tsconfig.json",
      "docs/tsconfig.reference.json",
      "docs/.vitepress/reference.ts",
    ],
    { cwd: root, exclude: ["infra/aws/cdk.out/**"] },
  );
  const newest = Math.max(...sources.map((file) => statSync(join(root, file)).mtimeMs));
  return (statSync(join(docs, "reference/index.md"), { throwIfNoEntry: false })?.mtimeMs ?? 0) < newest;
}

function node(...args: string[]): void {
  execFileSync(process.execPath, args, { cwd: docs, stdio: "inherit" });
}
