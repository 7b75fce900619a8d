import { engineConformance } from "../conformance/suites.ts";
import { upstashTo } from "../support/redis.ts";
import { useRedisServer } from "../support/redis-under-test.ts";

engineConformance("upstash over REST", useRedisServer(), upstashTo);
