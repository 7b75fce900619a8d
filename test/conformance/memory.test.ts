import type { Backend } from "../../adapters/local/backend.ts";
import { redisClientConformance } from "./redis-client.ts";
import { useMemory } from "./redis-under-test.ts";
import { engineConformance } from "./suites.ts";

const redis = useMemory();
const open = (store: Backend) => store;

redisClientConformance("memory", redis, { open });

engineConformance("memory", redis, open);
