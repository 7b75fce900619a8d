import { engineConformance } from "../conformance/suites.ts";
import { upstashByFetchTo } from "../support/redis.ts";
import { useRedisServer } from "../support/redis-under-test.ts";

engineConformance("upstash by fetch alone", useRedisServer(), upstashByFetchTo);
