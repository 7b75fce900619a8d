import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Command } from "commander";
import { startRestServer } from "../../adapters/local/rest-server.ts";
import { openEngine } from "../engine.ts";
import type { Host } from "../host.ts";
import { doing, type Session, withExamples } from "../session.ts";
import { readPort } from "../values.ts";

interface RedisCommandOptions {
  readonly port: number;
  readonly host: string;
  readonly token?: string;
  readonly url?: string;
  readonly memory?: boolean;
}

export function redisCommand(host: Host): Command {
  const command = new Command("redis")
    .description("speak Upstash's REST protocol in front of a Redis, until it is told to end")
    .option("--port <number>", "port to listen on; 0 takes a free one", readPort, 8079)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--token <token>", "bearer token (default: SPILLWAY_TOKEN, or a random one)")
    .option(
      "--url <url>",
      "the Redis to stand in front of, redis://… (default: redis-server on the PATH, or in memory)",
    )
    .option("--memory", "use the in-memory store although there is a redis-server");
  withExamples(command, [
    ["spillway redis", "a Redis of its own, and how to reach it"],
    ["spillway redis --url redis://localhost:6379", "in front of yours"],
  ]);
  return doing<[], RedisCommandOptions>(host, command, serveRedis);
}

/** Serves until the process is told to end. Rejects where the port is taken, and when the Redis it started is gone. */
async function serveRedis(
  { lifetime, terminal, host: { environment } }: Session,
  options: RedisCommandOptions,
): Promise<number> {
  const given = options.token ?? environment.SPILLWAY_TOKEN;
  const isGiven = given !== undefined && (options.token !== undefined || given !== "");
  const token = isGiven ? given : randomBytes(24).toString("base64url");
  const { backend, description, lost } = await openEngine(options, lifetime);
  const { port, host } = options;
  const server = await startRestServer({ port, host, token, backend });
  lifetime.atEnd(() => server.close());
  // A token that was given is known already, and does not belong in a log.
  const shown = isGiven ? {} : { token };
  terminal.show({ url: server.url, behind: description, ...shown }, [
    `Upstash REST on ${server.url}, in front of ${description}.`,
    `  UPSTASH_REDIS_REST_URL=${server.url}`,
    ...(isGiven ? [] : [`  UPSTASH_REDIS_REST_TOKEN=${token}`]),
  ]);
  if (!lifetime.signal.aborted) await Promise.race([once(lifetime.signal, "abort"), lost]);
  return 0;
}
