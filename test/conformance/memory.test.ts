import type { Backend } from "../../adapters/local/backend.ts";
import { useMemory } from "../support/redis-under-test.ts";
import { redisClientConformance } from "./redis-client.ts";
import { engineConformance } from "./suites.ts";

const redis = useMemory();
const open = (store: Backend) => store;

redisClientConformance("memory", redis, { open });

engineConformance("memory", redis, open);
