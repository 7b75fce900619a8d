/**
 * `npm run check:oldest`: installs the package, as npm would publish it, into an empty folder beside the oldest version of
 * everything that it may be installed with, then checks and runs an app there that uses every entry.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedisServer } from "../../adapters/local/redis-process.ts";

const root = new URL("../../", import.meta.url).pathname;
const installTimeoutMs = 180_000;
const runTimeoutMs = 120_000;

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const manifest: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const folder = mkdtempSync(join(tmpdir(), "spillway-oldest-"));
try {
  const oldest = oldestVersions(manifest);
  for (const [name, version] of Object.entries(oldest)) console.log(`${name} ${version}`);
  install(oldest);
  checkTypes();
  await runApp();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Of each range the version that it begins with: ranges are written `^1.2.3` or `^1.2.3 || ^2.0.0`. */
function oldestVersions({ dependencies, peerDependencies }: Manifest): Record<string, string> {
  const ranges = Object.entries({ ...dependencies, ...peerDependencies });
  return Object.fromEntries(
    ranges.map(([name, range]) => {
      const version = /^\^(\d+\.\d+\.\d+)(?: \|\| \^\d+\.\d+\.\d+)*$/.exec(range)?.[1];
      if (version === undefined)
        throw new Error(`The range of ${name} must begin with ^ and a full version: ${range}.`);
      return [name, version];
    }),
  );
}

function install(oldest: Readonly<Record<string, string>>): void {
  const pack = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const packed = execFileSync("npm", pack, {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  const { typescript, "@types/node": nodeTypes } = manifest.devDependencies;
  const dependencies = { ...oldest, spillway: `file:${filename}`, typescript, "@types/node": nodeTypes };
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ private: true, type: "module", dependencies }),
  );
  const args = [
    "install",
    "--prefer-offline",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel",
    "error",
  ];
  execFileSync("npm", args, { cwd: folder, stdio: "inherit", timeout: installTimeoutMs });
  for (const [name, version] of Object.entries(oldest)) {
    const path = join(folder, "node_modules", name, "package.json");
    const installed = JSON.parse(readFileSync(path, "utf8")).version.replace(/^v/, "");
    if (installed !== version) throw new Error(`${name} ${installed} was installed instead of ${version}.`);
  }
}

/** Types of others may not fit each other; ours, and an app's use of them, must. */
function checkTypes(): void {
  cpSync(join(root, "test/oldest/app.ts"), join(folder, "app.ts"));
  const compiler = join(folder, "node_modules/typescript/bin/tsc");
  const settings = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023", "--types", "node"];
  let said = "";
  try {
    execFileSync(process.execPath, [compiler, ...settings, "--pretty", "false", "app.ts"], {
      cwd: folder,
      encoding: "utf8",
      timeout: runTimeoutMs,
    });
  } catch (error) {
    said = (error as { stdout?: string }).stdout ?? String(error);
  }
  const ours = said.split("\n").filter((line) => /^(app\.ts|node_modules\/spillway\/)/.test(line));
  if (ours.length > 0) throw new Error(`The types do not fit:\n${ours.join("\n")}`);
}

async function runApp(): Promise<void> {
  const server = await startRedisServer();
  try {
    execFileSync(process.execPath, ["app.ts"], {
      cwd: folder,
      env: { ...process.env, REDIS_URL: server.url },
      stdio: "inherit",
      timeout: runTimeoutMs,
    });
  } finally {
    await server.stop();
  }
}
