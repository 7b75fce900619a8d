import { afterAll, beforeAll, beforeEach } from "vitest";
import type { Backend } from "../../adapters/local/backend.ts";
import { memory } from "../../adapters/local/memory.ts";
import { redisBackend } from "../../adapters/local/redis-backend.ts";
import { type RestServer, startRestServer } from "../../adapters/local/rest-server.ts";
import { startTestRedis, testToken } from "./redis.ts";

interface Open {
  readonly backend: Backend;
  stop(): Promise<void>;
}

/** What the REST server may stand in front of. */
export const restBackends: readonly (readonly [name: string, open: () => Promise<Open>])[] = [
  ["the in-memory store", async () => ({ backend: memory(), stop: async () => undefined })],
  [
    "a real Redis",
    async () => {
      const server = await startTestRedis();
      return { backend: redisBackend({ url: server.url }), stop: () => server.stop() };
    },
  ],
];

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface RestUnderTest {
  readonly url: string;
  readonly backend: Backend;
  send(path: string, init?: RequestInit): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
}

/** A REST server for a suite, its Redis emptied before each test. */
export function useRest(open: () => Promise<Open>): RestUnderTest {
  let rest: RestServer;
  let opened: Open;
  beforeAll(async () => {
    opened = await open();
    rest = await startRestServer({
      port: 0,
      token: testToken,
      backend: opened.backend,
      maxRequestBytes: 800_000,
    });
  });
  beforeEach(async () => {
    await opened.backend.command(["FLUSHALL"]);
  });
  afterAll(async () => {
    await rest.close();
    await opened.stop();
  });
  const send: RestUnderTest["send"] = async (path, init = {}) => {
    const headers = { authorization: `Bearer ${testToken}`, ...(init.headers as Record<string, string>) };
    const response = await fetch(rest.url + path, { ...init, headers });
    const body = await response.text();
    return { status: response.status, body: body === "" ? "" : JSON.parse(body) };
  };
  return {
    get url() {
      return rest.url;
    },
    get backend() {
      return opened.backend;
    },
    send,
    post: (path, body, headers = {}) =>
      send(path, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body), headers }),
  };
}
