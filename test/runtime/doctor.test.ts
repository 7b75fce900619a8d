import { createServer } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { examineAll, type NamedFinding } from "../../cli/doctor/checks.ts";
import { Examination, type ExaminationOptions } from "../../cli/doctor/examination.ts";
import { rightsCommands, rightsPatterns } from "../../cli/doctor/rights.ts";
import { createDrain, type DrainOptions, deadLetter, type RedisClient, release } from "../../src/index.ts";
import { listKeys } from "../../src/internals.ts";
import { useClients, useRedisServer } from "../support/redis-under-test.ts";

const redis = useRedisServer();
const { door } = redis;
const open = useClients(redis);

function examination(given: Partial<ExaminationOptions> = {}): Examination {
  return new Examination({
    client: given.client ?? open(),
    place: "localhost",
    isRest: false,
    isCluster: false,
    keys: listKeys("mail"),
    wholeList: "mail",
    shards: 1,
    consumeFrom: "right",
    timeoutMs: 5_000,
    watch: async () => undefined,
    lambda: undefined,
    environment: {},
    ...given,
  });
}

const examine = (given: Partial<ExaminationOptions> = {}) => examineAll(examination(given));

/** Runs what a finding says, where that is a Redis command. */
async function follow(mend: string): Promise<void> {
  const [name = "", ...words] = mend.match(/"[^"]*"|\S+/g) ?? [];
  await door.redis.call(name, ...words.map((word) => word.replaceAll('"', "")));
}

const list = "mail";
const defaults: readonly (readonly [name: string, value: string])[] = [
  ["maxmemory", "0"],
  ["maxmemory-policy", "noeviction"],
  ["save", ""],
  ["appendonly", "no"],
];

interface Row {
  readonly state: string;
  readonly check: string;
  readonly level: "problem" | "warning";
  readonly wanted: RegExp;
  bring(): Promise<unknown>;
  /** Whether its line is a command for Redis, and what is then found. */
  readonly mendsItself?: boolean;
  readonly options?: Partial<ExaminationOptions>;
}

const now = (): Promise<number> => door.now();
const produce = () => door.redis.lpush(list, "a", "b", "c");

/** Each bad state, and what is said of it. Add a row for yours. */
const rows: readonly Row[] = [
  {
    state: "a policy that evicts lists",
    check: "eviction",
    level: "problem",
    wanted: /deletes keys \(allkeys-lru\)/,
    bring: () => door.redis.config("SET", "maxmemory-policy", "allkeys-lru"),
  },
  {
    state: "a policy that evicts what expires",
    check: "eviction",
    level: "warning",
    wanted: /keys that expire \(volatile-lru\)/,
    bring: () => door.redis.config("SET", "maxmemory-policy", "volatile-lru"),
  },
  {
    state: "no persistence at all",
    check: "persistence",
    level: "problem",
    wanted: /a restart loses every message/,
    bring: async () => undefined,
  },
  {
    state: "snapshots alone",
    check: "persistence",
    level: "warning",
    wanted: /since the last one/,
    bring: () => door.redis.config("SET", "save", "3600 1"),
  },
  {
    state: "nearly no memory left",
    check: "memory",
    level: "problem",
    wanted: /% of .* MB are used/,
    bring: async () => door.redis.config("SET", "maxmemory", await usedMemory(1.02)),
  },
  {
    state: "memory that fills",
    check: "memory",
    level: "warning",
    wanted: /% of .* MB are used/,
    bring: async () => door.redis.config("SET", "maxmemory", await usedMemory(1.2)),
  },
  {
    state: "a key of another type",
    check: "types",
    level: "problem",
    wanted: /"\{mail\}:leases" holds a string, and must be a zset/,
    bring: () => door.redis.set("{mail}:leases", "somebody else's"),
    mendsItself: true,
  },
  {
    state: "a list that is none",
    check: "types",
    level: "problem",
    wanted: /"mail" holds a hash/,
    bring: () => door.redis.hset("mail", "a", "b"),
    mendsItself: true,
  },
  {
    state: "keys that are none of ours",
    check: "keys",
    level: "warning",
    wanted: /1 keys .*\{mail\}:mine/,
    bring: () => door.redis.set("{mail}:mine", "1"),
  },
  {
    state: "a twin of the list",
    check: "slots",
    level: "problem",
    wanted: /There is "\{mail\}" beside "mail"/,
    bring: () => door.redis.lpush("{mail}", "m"),
  },
  {
    state: "a mark without an end",
    check: "marks",
    level: "problem",
    wanted: /"\{mail\}:busy" has no end/,
    bring: () => door.redis.set("{mail}:busy", ""),
    mendsItself: true,
  },
  {
    state: "a strict order's mark without an end",
    check: "marks",
    level: "problem",
    wanted: /"\{mail\}:held" has no end/,
    bring: () => door.redis.set("{mail}:held", ""),
    mendsItself: true,
  },
  {
    state: "a mark of drains that are gone",
    check: "marks",
    level: "warning",
    wanted: /for another 60 s, and none is/,
    bring: () => door.redis.set("{mail}:busy", "", "PX", 60_000),
    mendsItself: true,
  },
  {
    state: "a working list without a lease",
    check: "leases",
    level: "problem",
    wanted: /1 working lists have no lease/,
    bring: () => door.redis.lpush("{mail}:working:gone.1", "m"),
  },
  {
    state: "a lease that nobody recovers",
    check: "leases",
    level: "problem",
    wanted: /the first 60 min ago/,
    bring: async () => {
      await door.redis.lpush("{mail}:working:gone.1", "m");
      await door.redis.zadd("{mail}:leases", (await now()) - 3_600_000, "gone.1");
    },
  },
  {
    state: "a pause",
    check: "state",
    level: "warning",
    wanted: /paused/,
    bring: () => door.redis.hset("{mail}:control", "paused", 1),
  },
  {
    state: "a brake that is on",
    check: "state",
    level: "problem",
    wanted: /The brake is on/,
    bring: async () =>
      door.redis.hset("{mail}:brake", { since: await now(), until: (await now()) + 60_000, pauses: 0 }),
  },
  {
    state: "a delayed message that nobody promotes",
    check: "state",
    level: "problem",
    wanted: /due for 60 min/,
    bring: async () => door.redis.zadd("{mail}:delayed", (await now()) - 3_600_000, "1.a:m"),
  },
  {
    state: "dead letters",
    check: "state",
    level: "warning",
    wanted: /1 messages are dead/,
    bring: () => door.redis.lpush("{mail}:dead", "m"),
  },
  {
    state: "a producer that pushes at the right end",
    check: "ends",
    level: "problem",
    wanted: /1 messages were pushed at the right end/,
    bring: produce,
    options: { watch: () => door.redis.rpush(list, "d") },
  },
  {
    state: "a producer that pushes at the left end of a list that is consumed from there",
    check: "ends",
    level: "problem",
    wanted: /1 messages were pushed at the left end/,
    bring: produce,
    options: { consumeFrom: "left", watch: () => door.redis.lpush(list, "d") },
  },
  {
    state: "shards that were not named",
    check: "shards",
    level: "problem",
    wanted: /4 shards in Redis, and this was told 1/,
    bring: () => door.redis.hset("{mail}:shards", { count: 4, 4: "" }),
  },
  {
    state: "shards that nobody has",
    check: "shards",
    level: "warning",
    wanted: /No drain has written yet/,
    bring: async () => undefined,
    options: { shards: 2 },
  },
];

async function usedMemory(times: number): Promise<string> {
  const used = Number(/^used_memory:(\d+)/m.exec(await door.redis.info("memory"))?.[1]);
  return String(Math.round(used * times));
}

const of = (findings: readonly NamedFinding[], check: string): NamedFinding | undefined =>
  findings.find((finding) => finding.check === check && finding.level !== "ok");

describe("spillway doctor finds, and says how to mend,", () => {
  it.each(rows)("$state", async ({ check, level, wanted, bring, mendsItself, options }) => {
    for (const [name, value] of defaults) await door.redis.config("SET", name, value);
    await bring();
    const found = of(await examine(options), check);
    expect(found).toMatchObject({ check, level });
    expect(found?.text).toMatch(wanted);
    expect(found?.mend).toMatch(/\S/);
    if (mendsItself) {
      await follow(found?.mend ?? "");
      expect(of(await examine(options), check)).toBe(undefined);
    }
    for (const [name, value] of defaults) await door.redis.config("SET", name, value);
  });

  it("nothing where all is well, and writes nothing", async () => {
    await door.redis.config("SET", "appendonly", "yes");
    await produce();
    const before = await door.everything();
    const findings = await examine({ watch: () => door.redis.lpush(list, "d") });
    await door.redis.config("SET", "appendonly", "no");
    expect(findings.filter(({ level }) => level === "problem" || level === "warning")).toEqual([]);
    expect(findings.find(({ check }) => check === "ends")?.text).toBe("Producers push at the left end.");
    await door.redis.lpop(list);
    expect(await door.everything()).toEqual(before);
  });

  it("what is wrong with one shard, by its name, and what is well of all once", async () => {
    await door.redis.hset("{mail}:shards", { count: 3, 3: "" });
    await door.redis.set("{mail:1}:busy", "");
    await door.redis.set("{mail:2}:busy", "");
    const [first, ...others] = [0, 1, 2].map((at) =>
      examination({ shards: 3, keys: listKeys(`{mail:${at}}`) }),
    );
    const findings = await examineAll(first as Examination, others);
    expect(findings.filter(({ check }) => check === "marks").map(({ text }) => text)).toEqual([
      expect.stringMatching(/^\{mail:1\}: The mark /),
      expect.stringMatching(/^\{mail:2\}: The mark /),
    ]);
    expect(findings.filter(({ check }) => ["types", "shards"].includes(check))).toMatchObject([
      { level: "ok", text: "The list has 3 shards." },
      { level: "ok" },
    ]);
  });

  it("that Redis does not answer, or refuses the credentials, and then nothing else", async () => {
    const nowhere = ioredis({ url: "redis://127.0.0.1:1" });
    onTestFinished(() => nowhere.close());
    expect(await examine({ client: nowhere })).toMatchObject([{ check: "reachable", level: "problem" }]);
    const [finding, ...others] = await examine({ client: open("nobody:hunter22@") });
    expect(finding).toMatchObject({ check: "reachable", level: "problem" });
    expect(finding?.text).toMatch(/refuses the credentials/);
    expect(JSON.stringify(finding)).not.toContain("hunter22");
    expect(others).toEqual([]);
  });

  it("no more than it can see in the in-memory store", async () => {
    const findings = await examine({ client: memory() });
    expect(findings.filter(({ level }) => level === "problem" || level === "warning")).toEqual([]);
  });
});

describe("the rights that spillway doctor wants", () => {
  const asTenant = async (...rights: string[]): Promise<RedisClient> => {
    await door.redis.call("ACL", "SETUSER", "tenant", "reset", "on", ">pass", ...rights);
    return open("tenant:pass@");
  };
  const wantedCommands = rightsCommands.map((name) => `+${name.toLowerCase()}`);
  const wantedKeys = rightsPatterns(listKeys(list));

  it.each([
    ["commands", ["~*", "+@all", "-ltrim", "-zadd"], /the commands LTRIM, ZADD\./],
    ["a key", ["~mail", "~{mail}:[a-ce-z]*", "+@all"], /the keys \{mail\}:delayed, \{mail\}:dead, /],
    ["the list", ["~{mail}:*", "+@all"], /the keys mail\./],
    ["scripts", ["~*", "+@all", "-eval"], /no scripts/],
  ])(
    "are missed where the user has none to %s, and given by the line that it says",
    async (_, rights, wanted) => {
      const client = await asTenant(...rights);
      const found = of(await examine({ client }), "rights");
      expect(found?.text).toMatch(wanted);
      if (found?.mend?.startsWith("ACL SETUSER tenant")) {
        await follow(found.mend);
        expect(of(await examine({ client }), "rights")).toBe(undefined);
      }
    },
  );

  const decide = ({ payload }: { payload: string }) => {
    if (payload === "fails") throw new Error("down");
    return payload === "dies" ? deadLetter("no") : payload === "waits" ? release : undefined;
  };
  const orders: Partial<DrainOptions>[] = [
    {},
    { order: "strict" },
    { order: { byKey: ({ payload }) => payload } },
  ];

  it.each(orders)("are all that drains, pushes and operators need: %o", async (options) => {
    const redis = await asTenant(...wantedCommands, ...wantedKeys);
    const drain = createDrain({
      redis,
      list,
      handler: decide,
      maxAttempts: 1,
      retryDelay: () => 0,
      brake: { after: 1, pauseMs: 1, maxPauseMs: 1 },
      ...options,
    } as DrainOptions);
    await drain.push(["a", "b", "fails", "dies", "waits"]);
    await drain.push("later", { delayMs: 1 });
    await drain.push("once", { dedupe: { id: String, ttlMs: 1_000 } });
    await door.redis.lpush("{mail}:working:gone.1", "c");
    await door.redis.zadd("{mail}:leases", 1, "gone.1");
    await drain.limits.set({ messages: 1_000, windowMs: 1_000 });
    for (let time = 0; time < 3; time++) expect((await drain.run({ budgetMs: 2_000 })).error).toBe(null);
    await drain.pause();
    await drain.resume();
    await drain.recover();
    await drain.stats();
    expect((await drain.deadLetters.redrive()).redriven).toBeGreaterThan(0);
    await drain.deadLetters.purge();
  });
});

describe("spillway doctor --lambda", () => {
  /** Lambda's API for one function's setting, as the AWS SDK asks it. */
  async function withLambda(setting: string, work: () => Promise<void>): Promise<void> {
    const api = createServer((_, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ RecursiveLoop: setting }));
    });
    await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
    const { port } = api.address() as { port: number };
    const kept = { ...process.env };
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${port}`,
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "AKID",
      AWS_SECRET_ACCESS_KEY: "secret-of-aws",
    });
    try {
      await work();
    } finally {
      process.env = kept;
      api.closeAllConnections();
      api.close();
    }
  }

  it("reads the function's setting, and says the line that changes it", async () => {
    await withLambda("Terminate", async () => {
      const found = of(await examine({ lambda: "drain", environment: process.env }), "lambda");
      expect(found).toMatchObject({ level: "warning" });
      expect(found?.mend).toContain("put-function-recursion-config --function-name drain");
    });
  });

  it("is skipped without credentials", async () => {
    const found = of(await examine({ lambda: "drain" }), "lambda");
    expect(found).toMatchObject({ level: "skipped", text: expect.stringMatching(/no AWS credentials/) });
  });
});
