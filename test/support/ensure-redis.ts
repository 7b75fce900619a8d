import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** How a Redis can be installed here, the first that applies. */
interface Installer {
  readonly commands: readonly (readonly [program: string, ...args: string[]])[];
  readonly isHere: () => boolean;
}

const apt = (...prefix: string[]): Installer["commands"] =>
  [
    ["apt-get", "update", "-qq"],
    ["apt-get", "install", "-y", "-qq", "redis-server"],
  ].map((command) => [...prefix, ...command] as [string, ...string[]]);

const installers: readonly Installer[] = [
  { commands: apt(), isHere: () => isOnPath("apt-get") && process.getuid?.() === 0 },
  {
    commands: apt("sudo", "-n"),
    isHere: () => isOnPath("apt-get") && isOnPath("sudo") && spawnSync("sudo", ["-n", "true"]).status === 0,
  },
  { commands: [["brew", "install", "redis"]], isHere: () => isOnPath("brew") },
];

/**
 * Finds the server that tests start, or installs one, saying so. Throws before the first test where neither can be, with
 * the line that mends it.
 */
export default function ensureRedis(): void {
  if (process.env.SPILLWAY_REDIS_SERVER) {
    if (isOnPath(process.env.SPILLWAY_REDIS_SERVER)) return;
    throw new Error(
      `SPILLWAY_REDIS_SERVER names ${process.env.SPILLWAY_REDIS_SERVER}, which is not on the PATH.`,
    );
  }
  if (isOnPath("redis-server")) return;
  if (isOnPath("valkey-server")) {
    process.env.SPILLWAY_REDIS_SERVER = "valkey-server";
    return;
  }
  const installer = installers.find(({ isHere }) => isHere());
  for (const [program, ...args] of installer?.commands ?? []) {
    console.log(`The tests need redis-server, and it is not here. Running: ${program} ${args.join(" ")}`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    spawnSync(program, args, { env, stdio: ["ignore", "ignore", "inherit"], timeout: 300_000 });
  }
  if (isOnPath("redis-server")) return;
  throw new Error(
    "The tests need redis-server (6.2 or newer) or valkey-server on the PATH. Install one: apt-get install redis-server, or brew install redis.",
  );
}

function isOnPath(program: string): boolean {
  const folders = program.includes("/") ? [""] : (process.env.PATH ?? "").split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(folder === "" ? program : join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
