import { upstash } from "../../adapters/redis/upstash-fetch.ts";
import { testToken, upstashByFetchTo } from "../support/redis.ts";
import { useRedisServer } from "../support/redis-under-test.ts";
import { redisClientConformance } from "./redis-client.ts";

const redis = useRedisServer();

redisClientConformance("upstash by fetch alone", redis, {
  open: upstashByFetchTo,
  openTo: (port) => upstash({ url: `http://127.0.0.1:${port}`, token: testToken }),
});
