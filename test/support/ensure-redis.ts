import { install, isOnPath } from "./installers.ts";

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
  install({ apt: "redis-server", brew: "redis" });
  if (isOnPath("redis-server")) return;
  throw new Error(
    "The tests need redis-server (6.2 or newer) or valkey-server on the PATH. Install one: apt-get install redis-server, or brew install redis.",
  );
}
