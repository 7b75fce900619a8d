import { freePort, type RedisServer, startRedisServer } from "../../adapters/local/redis-process.ts";
import { hashSlot, slotCount } from "../../adapters/redis/hash-slot.ts";
import { SideDoor } from "./side-door.ts";
import { until } from "./until.ts";

/** One node: its server, a door to it alone, and the id by which the cluster knows it. */
export interface ClusterNode {
  readonly server: RedisServer;
  readonly door: SideDoor;
  readonly id: string;
}

/** A real Redis Cluster of three masters, each with a third of the slots. */
export interface TestCluster {
  readonly masters: readonly [ClusterNode, ClusterNode, ClusterNode];
  /** The URL of a node that has none of the key's slot: whoever asks it is sent on. */
  urlAwayFrom(key: string): string;
  /** The master that has the key's slot, as the first one sees it. */
  ownerOf(key: string): Promise<ClusterNode>;
  /** Adds a replica of that node, and waits until it is in step. */
  addReplica(of: ClusterNode): Promise<ClusterNode>;
  /** Moves the slot of a key to another master as an operator does, key by key; `between` is called before each. */
  moveSlot(key: string, to: ClusterNode, between?: () => unknown): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestCluster({ nodeTimeoutMs = 2_000 } = {}): Promise<TestCluster> {
  const nodes: ClusterNode[] = [];
  const start = async (): Promise<ClusterNode> => {
    const node = await startNode(nodeTimeoutMs);
    nodes.push(node);
    return node;
  };
  const masters = (await Promise.all([start(), start(), start()])) as [ClusterNode, ClusterNode, ClusterNode];
  const third = Math.ceil(slotCount / 3);
  for (const [at, { door }] of masters.entries()) {
    const last = Math.min(slotCount, (at + 1) * third) - 1;
    // One by one: ADDSLOTSRANGE is of Redis 7.
    const slots = Array.from({ length: last + 1 - at * third }, (_, place) => at * third + place);
    await door.redis.cluster("ADDSLOTS", ...slots);
    await door.redis.cluster("SET-CONFIG-EPOCH", at + 1);
  }
  const [first] = masters;
  for (const { server } of masters.slice(1)) await first.door.redis.cluster("MEET", "127.0.0.1", server.port);
  for (const node of masters) await until(async () => isWhole(node, masters.length));

  const ownerOf = async (key: string): Promise<ClusterNode> => {
    const owner = await ownerIdOf(hashSlot(key), first);
    return nodes.find(({ id }) => id === owner) as ClusterNode;
  };
  const thirdOf = (key: string): number => Math.floor(hashSlot(key) / third);
  return {
    masters,
    urlAwayFrom: (key) => (masters[(thirdOf(key) + 1) % 3] as ClusterNode).server.url,
    ownerOf,
    async addReplica(of) {
      const replica = await start();
      await first.door.redis.cluster("MEET", "127.0.0.1", replica.server.port);
      await until(async () => knows(replica, of.id));
      await replica.door.redis.cluster("REPLICATE", of.id);
      await until(async () =>
        (await replica.door.redis.info("replication")).includes("master_link_status:up"),
      );
      // Who does not know it as a replica gives it no vote, and no master hands over to it.
      for (const node of masters) await until(async () => knows(node, replica.id, ` slave ${of.id} `));
      return replica;
    },
    async moveSlot(key, to, between) {
      const slot = hashSlot(key);
      const from = await ownerOf(key);
      await to.door.redis.cluster("SETSLOT", slot, "IMPORTING", from.id);
      await from.door.redis.cluster("SETSLOT", slot, "MIGRATING", to.id);
      for (;;) {
        const [one] = (await from.door.redis.cluster("GETKEYSINSLOT", slot, 1)) as string[];
        await between?.();
        if (one === undefined) break;
        await from.door.redis.migrate("127.0.0.1", to.server.port, one, 0, 10_000);
      }
      // The new owner first: no moment may come in which neither has it.
      for (const node of [to, from, ...masters])
        await node.door.redis.cluster("SETSLOT", slot, "NODE", to.id);
      // A node that does not know the new owner's epoch yet may believe an older message of the one before.
      for (const node of masters)
        await until(
          async () =>
            (await ownerIdOf(slot, node)) === to.id && (await epochOf(to, node)) === (await epochOf(to, to)),
        );
    },
    async stop() {
      for (const { door } of nodes) door.close();
      await Promise.all(nodes.map(({ server }) => server.stop()));
    },
  };
}

async function startNode(nodeTimeoutMs: number): Promise<ClusterNode> {
  let port: number;
  // Nodes talk to each other at a port 10,000 higher.
  do port = await freePort();
  while (port > 55_535);
  const server = await startRedisServer({
    port,
    args: [
      ...["--cluster-enabled", "yes", "--cluster-node-timeout", String(nodeTimeoutMs)],
      // By default it waits 5 s for more replicas, and lets none take over that has been away for long.
      ...["--repl-diskless-sync-delay", "0", "--cluster-replica-validity-factor", "0"],
    ],
  });
  const door = new SideDoor(server.url);
  return { server, door, id: (await door.redis.cluster("MYID")) as string };
}

/** The master of a slot, as a node knows it. */
async function ownerIdOf(slot: number, { door }: ClusterNode): Promise<string | undefined> {
  const ranges = (await door.redis.cluster("SLOTS")) as unknown as [
    number,
    number,
    [string, number, id: string],
  ][];
  return ranges.find(([first, last]) => first <= slot && slot <= last)?.[2][2];
}

/** The configuration epoch of a node, as another knows it. */
async function epochOf({ id }: ClusterNode, { door }: ClusterNode): Promise<string | undefined> {
  const lines = ((await door.redis.cluster("NODES")) as string).split("\n");
  return lines.find((line) => line.startsWith(id))?.split(" ")[6];
}

async function isWhole({ door }: ClusterNode, count: number): Promise<boolean> {
  const info = (await door.redis.cluster("INFO")) as string;
  return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${count}`);
}

/** Whether a node knows another, and that of it. */
async function knows({ door }: ClusterNode, id: string, as = ""): Promise<boolean> {
  const nodes = ((await door.redis.cluster("NODES")) as string).split("\n");
  return nodes.some((line) => line.startsWith(id) && line.includes(as));
}
