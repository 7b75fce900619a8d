import { serve } from "@hono/node-server";
import type { FetchContext } from "../../adapters/hosts/fetch/index.ts";

export interface FetchHost {
  readonly url: string;
  /** Resolves when nothing that a request has left running is under way. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** Serves a fetch handler over real HTTP, with a `waitUntil` as platforms have it. */
export async function startFetchHost(
  handle: (request: Request, context: FetchContext) => Promise<Response>,
): Promise<FetchHost> {
  const underWay = new Set<Promise<unknown>>();
  const context: FetchContext = {
    waitUntil: (promise) => {
      underWay.add(promise);
      promise.finally(() => underWay.delete(promise));
    },
  };
  const fetch = (request: Request): Promise<Response> => handle(request, context);
  const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
    const listening = serve({ fetch, port: 0, hostname: "127.0.0.1" }, () => resolve(listening));
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    idle: async () => {
      while (underWay.size > 0) await Promise.all(underWay);
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      if ("closeAllConnections" in server) server.closeAllConnections();
      await closed;
    },
  };
}
