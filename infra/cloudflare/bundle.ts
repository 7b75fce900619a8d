import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

/** The largest size of the Worker, gzipped, bytes. Reason: it is loaded at each cold start. */
export const gzippedBytesMax = 40 * 1024;

/** Bundles the Worker as `wrangler deploy` would, without network, account or log files, and returns the script. */
export function bundleWorker(): string {
  const folder = mkdtempSync(join(tmpdir(), "spillway-worker-"));
  const wrangler = join(
    createRequire(import.meta.url).resolve("wrangler/package.json"),
    "../bin/wrangler.js",
  );
  const config = fileURLToPath(new URL("wrangler.jsonc", import.meta.url));
  try {
    execFileSync(
      process.execPath,
      [wrangler, "deploy", "--dry-run", "--config", config, "--outdir", folder],
      {
        env: {
          ...process.env,
          WRANGLER_SEND_METRICS: "false",
          WRANGLER_LOG_PATH: join(folder, "log"),
          CI: "true",
        },
        encoding: "utf8",
        stdio: "pipe",
      },
    );
    return readFileSync(join(folder, "worker.js"), "utf8");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function gzippedBytes(script: string): number {
  return gzipSync(script, { level: 9 }).length;
}

if (import.meta.main) {
  const bytes = gzippedBytes(bundleWorker());
  console.log(`The Worker is ${bytes} bytes gzipped; at most ${gzippedBytesMax} are allowed.`);
  if (bytes > gzippedBytesMax) process.exitCode = 1;
}
