import { describe, it } from "vitest";
import { upstashTo } from "../support/redis.ts";
import { useClient, useRedisServer } from "../support/redis-under-test.ts";
import { drainVolume } from "../support/volume.ts";

describe("10,000 messages of 1 KB over REST", () => {
  const redis = useRedisServer();
  const client = useClient(redis, upstashTo);

  it("drain each once, leave no key, and cost at most 0.12 commands a message, as Redis itself counts", () =>
    drainVolume(10_000, client(), redis.door));
});
