import { nodeRedis } from "../../adapters/redis/node-redis.ts";
import { engineConformance } from "../conformance/suites.ts";
import { useRedisServer } from "../support/redis-under-test.ts";

engineConformance("node-redis", useRedisServer(), ({ url }) => nodeRedis({ url }));
