import { describe, expect, it } from "vitest";
import { upstash } from "../../adapters/redis/upstash.ts";
import { createDrain } from "../../src/index.ts";
import { testToken as token } from "../support/redis.ts";
import { useClient, useMemory, useRestServer } from "../support/redis-under-test.ts";
import { list } from "./setup.ts";
import { shardsSuite } from "./shards.ts";

/** All else over REST is in `test/long/shards.test.ts`, and over TCP in `cluster-clients.test.ts`. */
const rest = useRestServer();
const memory = useMemory();

describe("over the embedded store", () => {
  const client = useClient(memory, async (store) => store);
  shardsSuite({ client, keys: () => memory.door.redis.keys("*") });
});

describe("over REST", () => {
  const client = useClient(rest, ({ url }) => upstash({ url, token }));

  it("an idle tick costs one command, and two when a process begins", async () => {
    const drain = createDrain({ redis: client(), list, shards: 100, handler: () => undefined });
    await drain.push("first");
    await drain.run();
    expect(await drain.run()).toMatchObject({ requests: 1, commands: 1, stopped: "empty" });
    const fresh = createDrain({ redis: client(), list, shards: 100, handler: () => undefined });
    expect(await fresh.run()).toMatchObject({ requests: 2, commands: 2, stopped: "empty" });
  });
});
