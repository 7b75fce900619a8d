import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { Backend } from "../adapters/local/backend.ts";
import { memory } from "../adapters/local/memory.ts";
import { redisBackend } from "../adapters/local/redis-backend.ts";
import { startRedisServer } from "../adapters/local/redis-process.ts";

/** What the REST server stands in front of, and how to say so. */
export interface Engine {
  readonly backend: Backend;
  readonly description: string;
  /** Ends what was started for it. */
  stop(): Promise<void>;
}

/** The Redis at `url`; else a `redis-server` of our own where one is on the PATH; else the in-memory store. */
export async function openEngine(choice: {
  url?: string | undefined;
  memory?: boolean | undefined;
}): Promise<Engine> {
  if (choice.url !== undefined) {
    const { host } = new URL(choice.url);
    return {
      backend: redisBackend({ url: choice.url }),
      description: `the Redis at ${host}`,
      stop: async () => undefined,
    };
  }
  if (!choice.memory && isOnPath("redis-server")) {
    const server = await startRedisServer();
    return {
      backend: redisBackend({ url: server.url }),
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

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
