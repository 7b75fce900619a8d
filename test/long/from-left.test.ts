import { ioredis } from "../../adapters/redis/ioredis.ts";
import { listsSuite } from "../conformance/lists.ts";
import { engineConformance } from "../conformance/suites.ts";
import { tenantsSuite } from "../conformance/tenants.ts";
import { MirroredDoor } from "../support/mirrored-door.ts";
import { useRedisServer } from "../support/redis-under-test.ts";

// A list that is consumed from its left keeps every promise of one that is consumed from its right: the same suites, with
// producers and tests that use the other ends.
engineConformance(
  "a list consumed from its left",
  useRedisServer(MirroredDoor),
  ({ url }) => ioredis({ url }),
  // They make their own drains, of lists that are consumed from the right.
  [listsSuite, tenantsSuite],
  { consumeFrom: "left" },
);
