import { describe } from "vitest";
import { upstash } from "../../adapters/redis/upstash.ts";
import { shardsSuite } from "../conformance/shards.ts";
import { testToken as token } from "../support/redis.ts";
import { useClient, useRestServer } from "../support/redis-under-test.ts";

describe("over REST", () => {
  const rest = useRestServer();
  const client = useClient(rest, ({ url }) => upstash({ url, token }));
  shardsSuite({ client, keys: () => rest.door.redis.keys("*") });
});
