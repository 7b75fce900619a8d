import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { serve } from "@hono/node-server";
import { Command } from "commander";
import { startRestServer } from "../../adapters/local/rest-server.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { OptionError } from "../../src/index.ts";
import { consumeFromOption, drainOf } from "../connection.ts";
import { devApp } from "../dev/app.ts";
import { runReloaded } from "../dev/reloaded.ts";
import { openEngine } from "../engine.ts";
import type { Host } from "../host.ts";
import { visible } from "../safe-text.ts";
import { doing, type Session, withExamples } from "../session.ts";
import { readPort } from "../values.ts";

interface DevOptions {
  readonly handler: string;
  readonly port: number;
  readonly appPort: number;
  readonly token?: string;
  readonly url?: string;
  readonly memory?: boolean;
  readonly consumeFrom?: "left" | "right";
}

export function devCommand(host: Host): Command {
  const command = new Command("dev")
    .argument("<list>")
    .description(
      "a REST server, your handler that is loaded anew when its folder changes, the HTTP API and the dashboard, in one command",
    )
    .requiredOption("--handler <file>", "a module that exports your handler")
    .option("--port <number>", "port of the REST server; 0 takes a free one", readPort, 8079)
    .option("--app-port <number>", "port of the HTTP API; 0 takes a free one", readPort, 8080)
    .option("--token <token>", "bearer token of both (default: SPILLWAY_TOKEN, or a random one)")
    .option("--url <url>", "the Redis to stand in front of, redis://… (default: one of its own)")
    .option("--memory", "use the in-memory store although there is a redis-server")
    .addOption(consumeFromOption());
  withExamples(command, [
    ["spillway dev emails --handler ./handler.ts", "a Redis of its own, and your handler"],
    ["spillway push emails hello --url http://127.0.0.1:8079 --token …", "a message for it"],
  ]);
  return doing<[string], DevOptions>(host, command, develop);
}

async function develop(session: Session, options: DevOptions, list: string): Promise<number> {
  const { lifetime, terminal, host } = session;
  if (options.token !== undefined && options.token.trim() === "") {
    throw new OptionError("--token", "at least one character", "none");
  }
  const given = options.token ?? (host.environment.SPILLWAY_TOKEN || undefined);
  const token = given ?? randomBytes(24).toString("base64url");
  const { backend, description, lost } = await openEngine(options, lifetime);
  const rest = await startRestServer({ port: options.port, token, backend });
  lifetime.atEnd(() => rest.close());
  const client = upstash({ url: rest.url, token });
  const { consumeFrom = "right" } = options;
  const app = devApp(drainOf(client, list, { timeoutMs: 10_000, consumeFrom }), token);
  const appUrl = await serveApp(app.fetch, options.appPort, session);
  // A token that was given is known already, and does not belong in a log.
  const shown = given === undefined ? { token } : {};
  terminal.show({ list, url: rest.url, app: appUrl, ...shown, behind: description }, [
    `Upstash REST on ${rest.url}, in front of ${description}.`,
    `  UPSTASH_REDIS_REST_URL=${rest.url}`,
    ...(given === undefined ? [`  UPSTASH_REDIS_REST_TOKEN=${token}`] : []),
    `HTTP API on ${appUrl}, dashboard on ${appUrl}/ui, with the same token.`,
    `"${visible(list)}" is drained by ${visible(options.handler)}, which is loaded anew when its folder changes.`,
  ]);
  const reloaded = runReloaded(
    {
      args: ["work", list, "--handler", options.handler, "--consume-from", consumeFrom],
      environment: { ...host.environment, UPSTASH_REDIS_REST_URL: rest.url, UPSTASH_REDIS_REST_TOKEN: token },
      file: resolve(options.handler),
      onReload: () => terminal.say("Something has changed: the handler is loaded anew."),
    },
    lifetime,
  );
  await Promise.race([reloaded, lost]);
  return 0;
}

/** Serves the app on this machine alone, and resolves with where. Rejects where the port is taken. */
async function serveApp(
  fetch: (request: Request) => Response | Promise<Response>,
  port: number,
  { lifetime }: Session,
): Promise<string> {
  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const listening = serve({ fetch, port, hostname: "127.0.0.1" }, () => resolve(listening));
    listening.once("error", reject);
  });
  lifetime.atEnd(async () => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : port}`;
}
