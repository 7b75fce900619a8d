import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { redisBackend } from "../../../adapters/local/redis-backend.ts";
import { type RedisServer, startRedisServer } from "../../../adapters/local/redis-process.ts";
import { type RestServer, startRestServer } from "../../../adapters/local/rest-server.ts";

export const token = "a-token-for-tests-only";

/** A Redis with an append-only file, which can be killed and started again, and a REST server in front of it. */
export class Place {
  readonly folder: string;
  readonly #port: number;
  readonly #args: string[];
  #server: RedisServer | undefined;
  #rest: RestServer | undefined;

  constructor(folder: string, port: number, args: string[]) {
    this.folder = folder;
    this.#port = port;
    this.#args = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0", ...args];
  }

  get redis(): RedisServer {
    return this.#server as RedisServer;
  }

  get restUrl(): string {
    return (this.#rest as RestServer).url;
  }

  async open(): Promise<void> {
    await mkdir(this.folder);
    await this.start();
    this.#rest = await startRestServer({ port: 0, token, backend: redisBackend({ url: this.redis.url }) });
  }

  async start(): Promise<void> {
    this.#server = await startRedisServer({ port: this.#port, folder: this.folder, args: this.#args });
  }

  async close(): Promise<void> {
    await this.#rest?.close();
    await this.#server?.kill();
  }
}

/**
 * A free port below those that systems give to outgoing connections: while a Redis is dead, none of these may take its
 * port, least of all one that tries to reach it.
 */
export async function freeLowPort(random: () => number): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 20_000 + Math.floor(random() * 10_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
  throw new Error("No free port was found.");
}
