#!/usr/bin/env node
import { randomBytes } from "node:crypto";
import { Command, InvalidArgumentError } from "commander";
import { startRestServer } from "../adapters/local/rest-server.ts";
import { openEngine } from "./engine.ts";

const program = new Command("spillway").description("Drains Redis lists, reliably.").exitOverride((error) => {
  process.exit(error.exitCode === 0 ? 0 : 2);
});

program
  .command("redis")
  .description("speak Upstash' REST protocol in front of a Redis")
  .option("--port <number>", "port to listen on", readPort, 8079)
  .option("--host <address>", "address to listen on", "127.0.0.1")
  .option("--token <token>", "bearer token (default: SPILLWAY_TOKEN, or a random one)")
  .option(
    "--url <url>",
    "the Redis to stand in front of, redis://… (default: redis-server on the PATH, or in memory)",
    readUrl,
  )
  .option("--memory", "use the in-memory store although there is a redis-server")
  .action(serveRedis);

await program.parseAsync();

interface RedisOptions {
  port: number;
  host: string;
  token?: string;
  url?: string;
  memory?: boolean;
}

async function serveRedis(options: RedisOptions): Promise<void> {
  if (options.token === "") {
    console.error("error: --token must not be empty");
    process.exit(2);
  }
  const given = options.token ?? process.env.SPILLWAY_TOKEN;
  const token = given || randomBytes(24).toString("base64url");
  const engine = await openEngine(options);
  try {
    const server = await startRestServer({
      port: options.port,
      host: options.host,
      token,
      backend: engine.backend,
    });
    console.log(`Upstash REST on ${server.url}, in front of ${engine.description}.`);
    console.log(`  UPSTASH_REDIS_REST_URL=${server.url}`);
    // A token that was given is known already, and does not belong in a log.
    if (!given) console.log(`  UPSTASH_REDIS_REST_TOKEN=${token}`);
    const stop = async (): Promise<void> => {
      await server.close();
      await engine.stop();
      process.exit(0);
    };
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop());
  } catch (error) {
    await engine.stop();
    const { code, message } = error as { code?: string; message: string };
    console.error(
      `error: ${code === "EADDRINUSE" ? `port ${options.port} is taken: give another --port` : message}`,
    );
    process.exit(1);
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError("wanted: 0 to 65535.");
  return port;
}

function readUrl(text: string): string {
  if (!/^rediss?:\/\/\S+$/.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError("wanted: redis://host:port");
  return text;
}
