import { upstash } from "../../adapters/redis/upstash.ts";
import { testToken, upstashTo } from "../support/redis.ts";
import { useRedisServer } from "../support/redis-under-test.ts";
import { redisClientConformance } from "./redis-client.ts";

const redis = useRedisServer();

redisClientConformance("upstash", redis, {
  open: upstashTo,
  openTo: (port) => upstash({ url: `http://127.0.0.1:${port}`, token: testToken }),
});
