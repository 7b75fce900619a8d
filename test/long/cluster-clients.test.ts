import { Cluster } from "ioredis";
import { createCluster } from "redis";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { nodeRedis } from "../../adapters/redis/node-redis.ts";
import { listsSuite } from "../conformance/lists.ts";
import { engineConformance } from "../conformance/suites.ts";
import { tenantsSuite } from "../conformance/tenants.ts";
import type { TestCluster } from "../support/cluster.ts";
import { useTestCluster } from "../support/redis-under-test.ts";

const cluster = useTestCluster();

// Both begin at a node that has none of what they ask for.
// The side door reaches the node of one list; several lists have a test in `conformance/cluster-clients.test.ts`.
const except = [listsSuite, tenantsSuite];

engineConformance(
  "ioredis on a cluster",
  cluster,
  (at: TestCluster) => ioredis(new Cluster([at.urlAwayFrom("mail")], { lazyConnect: true })),
  except,
);

engineConformance(
  "node-redis on a cluster",
  cluster,
  (at: TestCluster) => nodeRedis(createCluster({ rootNodes: [{ url: at.urlAwayFrom("mail") }] })),
  except,
);
