import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import type { Backend } from "../adapters/local/backend.ts";
import { memory } from "../adapters/local/memory.ts";
import { redisBackend } from "../adapters/local/redis-backend.ts";
import { redisServerProgram, startRedisServer } from "../adapters/local/redis-process.ts";

/** What the REST server stands in front of, and how to say so. */
export interface Engine {
  readonly backend: Backend;
  readonly description: string;
  /** Ends what was started for it. */
  stop(): Promise<void>;
}

/** The Redis at `url`; else a server of our own where its program is there; else the in-memory store. */
export async function openEngine(choice: {
  url?: string | undefined;
  memory?: boolean | undefined;
}): Promise<Engine> {
  if (choice.url !== undefined) {
    const { host } = new URL(choice.url);
    return {
      backend: await openRedis(choice.url),
      description: `the Redis at ${host}`,
      stop: async () => undefined,
    };
  }
  if (!choice.memory && isOnPath(redisServerProgram())) {
    const server = await startRedisServer();
    return {
      backend: await openRedis(server.url),
      description: `a redis-server of its own on port ${server.port}, which keeps nothing`,
      stop: () => server.stop(),
    };
  }
  return {
    backend: memory(),
    description: "the embedded in-memory store, which keeps nothing",
    stop: async () => undefined,
  };
}

/** Loads ioredis here, where the build takes it into the command line; `redisBackend` would want it installed. */
async function openRedis(url: string): Promise<Backend> {
  const { Redis } = await import("ioredis");
  return redisBackend(new Redis(url, { lazyConnect: true }));
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(isAbsolute(program) ? program : join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
