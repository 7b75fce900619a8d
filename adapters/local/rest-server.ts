import { serve } from "@hono/node-server";
import { createRestApp, type RestAppOptions } from "./rest-app.ts";

export interface RestServerOptions extends RestAppOptions {
  /** 0 takes a free one. Default: 8079. */
  readonly port?: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
}

export interface RestServer {
  readonly url: string;
  readonly port: number;
  /** Stops listening, ends open connections, and closes the backend. */
  close(): Promise<void>;
}

/** Serves Upstash' REST protocol on Node. Rejects where the port is taken. */
export async function startRestServer(options: RestServerOptions): Promise<RestServer> {
  const { port = 8079, host = "127.0.0.1" } = options;
  const app = createRestApp(options);
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
      if ("closeAllConnections" in server) server.closeAllConnections();
      await closed;
      await options.backend.close();
    },
  };
}
