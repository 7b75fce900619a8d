import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import type { Backend } from "../adapters/local/backend.ts";
import { memory } from "../adapters/local/memory.ts";
import { redisBackend } from "../adapters/local/redis-backend.ts";
import { redisServerProgram, startRedisServer } from "../adapters/local/redis-process.ts";
import { OptionError } from "../src/index.ts";
import { checkDatabase } from "./connection.ts";
import { CommandError, type Lifetime } from "./lifetime.ts";

/** What the REST server stands in front of, and how to say so. */
export interface Engine {
  readonly backend: Backend;
  readonly description: string;
  /** Rejects when the server that was started for it has ended by itself. */
  readonly lost: Promise<never>;
}

const never = new Promise<never>(() => undefined);

/** The Redis at `url`; else a server of our own where its program is there; else the in-memory store. Throws `OptionError`. */
export async function openEngine(
  choice: { url?: string | undefined; memory?: boolean | undefined },
  lifetime: Lifetime,
): Promise<Engine> {
  if (choice.url !== undefined) {
    const { host } = readUrl(choice.url);
    return {
      backend: await openRedis(choice.url),
      description: `the Redis at ${host || "localhost"}`,
      lost: never,
    };
  }
  if (choice.memory || !isOnPath(redisServerProgram())) {
    return {
      backend: memory(),
      description: "the embedded in-memory store, which keeps nothing",
      lost: never,
    };
  }
  const server = await startRedisServer().catch((error: Error) => {
    throw new CommandError("redis-server", `${error.message} With --memory, none is needed.`);
  });
  let isEnding = false;
  lifetime.atEnd(() => {
    isEnding = true;
    return server.stop();
  });
  const lost = once(server.process, "exit").then(() => {
    if (isEnding) return never;
    throw new CommandError("redis-server", "The redis-server that was started for this has ended.");
  });
  lost.catch(() => undefined);
  const description = `a redis-server of its own on port ${server.port}, which keeps nothing`;
  return { backend: await openRedis(server.url), description, lost };
}

function readUrl(url: string): URL {
  if (!/^rediss?:\/\/\S+$/.test(url) || !URL.canParse(url)) {
    throw new OptionError("--url", "redis://host:port, or rediss://", "another text");
  }
  const parsed = new URL(url);
  checkDatabase(parsed);
  return parsed;
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
