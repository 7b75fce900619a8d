import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { startRestServer } from "../adapters/local/rest-server.ts";
import { openEngine } from "./engine.ts";
import type { Lifetime } from "./lifetime.ts";

export interface RedisCommandOptions {
  port: number;
  host: string;
  token?: string;
  url?: string;
  memory?: boolean;
}

/** Serves until the process is told to end. Rejects where the port is taken, and when the Redis it started is gone. */
export async function serveRedis(options: RedisCommandOptions, lifetime: Lifetime): Promise<number> {
  const given = options.token ?? process.env.SPILLWAY_TOKEN;
  const isGiven = given !== undefined && (options.token !== undefined || given !== "");
  const token = isGiven ? given : randomBytes(24).toString("base64url");
  const { backend, description, lost } = await openEngine(options, lifetime);
  const { port, host } = options;
  const server = await startRestServer({ port, host, token, backend });
  lifetime.atEnd(() => server.close());
  console.log(`Upstash REST on ${server.url}, in front of ${description}.`);
  console.log(`  UPSTASH_REDIS_REST_URL=${server.url}`);
  // A token that was given is known already, and does not belong in a log.
  if (!isGiven) console.log(`  UPSTASH_REDIS_REST_TOKEN=${token}`);
  if (!lifetime.signal.aborted) await Promise.race([once(lifetime.signal, "abort"), lost]);
  return 0;
}
