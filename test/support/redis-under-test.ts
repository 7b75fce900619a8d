import { afterAll, afterEach, beforeAll } from "vitest";
import type { Backend } from "../../adapters/local/backend.ts";
import { memory } from "../../adapters/local/memory.ts";
import type { RedisServer } from "../../adapters/local/redis-process.ts";
import type { RestServer } from "../../adapters/local/rest-server.ts";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import type { RedisClient } from "../../src/index.ts";
import { startTestCluster, type TestCluster } from "./cluster.ts";
import { MemoryConnection } from "./memory-connection.ts";
import { startRest, startTestRedis } from "./redis.ts";
import { SideDoor } from "./side-door.ts";

/** The Redis of a test file: one for all its suites, emptied after each test. */
export interface RedisUnderTest<Server> {
  readonly door: SideDoor;
  /** What a client is opened to; there is one only while tests run. */
  server(): Server;
}

/** Starts a real redis-server for this file. */
export function useRedisServer(Door = SideDoor): RedisUnderTest<RedisServer> {
  let server: RedisServer;
  const door = new Door(() => server.url);
  beforeAll(async () => {
    server = await startTestRedis();
  });
  // What is registered last ends first: the door closes before its Redis does.
  afterAll(() => server?.stop());
  emptyAfterEach(door);
  return { door, server: () => server };
}

/** A real redis-server for this file, and our REST server in front of it. */
export function useRestServer(): RedisUnderTest<RestServer> {
  const redis = useRedisServer();
  let rest: RestServer;
  beforeAll(async () => {
    rest = await startRest(redis.server());
  });
  afterAll(() => rest?.close());
  return { door: redis.door, server: () => rest };
}

/** A real cluster for this file. The door is to the node that has the slot of the suites' list. */
export function useTestCluster(): RedisUnderTest<TestCluster> {
  let cluster: TestCluster;
  let url: string;
  const door = new SideDoor(() => url);
  beforeAll(async () => {
    cluster = await startTestCluster();
    url = (await cluster.ownerOf("mail")).server.url;
  });
  afterAll(() => cluster?.stop());
  afterEach(async () => {
    for (const master of cluster.masters) await master.door.redis.flushall();
  });
  afterAll(() => door.close());
  return { door, server: () => cluster };
}

/** The embedded store, its side door over its own commands. */
export function useMemory(): RedisUnderTest<Backend> {
  const store = memory();
  const door = new SideDoor(() => new MemoryConnection(store));
  emptyAfterEach(door);
  return { door, server: () => store };
}

/** Opens a client to that Redis for a whole suite. */
export function useClient<Server>(
  redis: RedisUnderTest<Server>,
  open: (server: Server) => RedisClient | Promise<RedisClient>,
): () => RedisClient {
  let client: RedisClient;
  beforeAll(async () => {
    client = await open(redis.server());
  });
  afterAll(() => client?.close());
  return () => client;
}

/** Opens clients of a real Redis, as a user of it where credentials are given; they close when the file's tests end. */
export function useClients({ server }: RedisUnderTest<RedisServer>): (credentials?: string) => RedisClient {
  const clients: RedisClient[] = [];
  afterAll(() => Promise.all(clients.map((client) => client.close())));
  return (credentials = "") => {
    const client = ioredis({ url: server().url.replace("redis://", `redis://${credentials}`) });
    clients.push(client);
    return client;
  };
}

function emptyAfterEach(door: SideDoor): void {
  afterEach(async () => {
    await door.redis.flushall();
  });
  afterAll(() => door.close());
}
