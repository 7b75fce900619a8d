import { serve } from "@hono/node-server";
import { checkOptions, integer, type Kinds, text } from "../../src/internals.ts";
import { createRestApp, type RestAppOptions, restAppKinds } from "./rest-app.ts";

export interface RestServerOptions extends RestAppOptions {
  /** 0 takes a free one. Default: 8079. */
  readonly port?: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
}

const kinds = {
  ...restAppKinds,
  port: integer({ min: 0, max: 65_535, default: 8_079 }),
  host: text({ default: "127.0.0.1" }),
} satisfies Kinds<RestServerOptions>;

const graceMs = 1_000;

export interface RestServer {
  readonly url: string;
  readonly port: number;
  /** Stops listening, gives requests under way a second, ends all connections, and closes the backend. */
  close(): Promise<void>;
}

/** Serves Upstash' REST protocol on Node. Rejects for bad options with `OptionError`, and where the port is taken. */
export async function startRestServer(options: RestServerOptions): Promise<RestServer> {
  const { port, host, ...appOptions } = checkOptions(kinds, options);
  const app = createRestApp(appOptions);
  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const listening = serve({ fetch: app.fetch, port, hostname: host }, () => resolve(listening));
    listening.once("error", reject);
  });
  const address = server.address();
  const boundPort = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${boundPort}`,
    port: boundPort,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      if ("closeIdleConnections" in server) server.closeIdleConnections();
      const cutOff = setTimeout(() => {
        if ("closeAllConnections" in server) server.closeAllConnections();
      }, graceMs);
      await closed;
      clearTimeout(cutOff);
      await appOptions.backend.close();
    },
  };
}
