import { afterAll, describe, expect, it, vi } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { sha1Hex } from "../../src/digest.ts";
import {
  createDrain,
  type Drain,
  type DrainOptions,
  deadLetter,
  forward,
  fromText,
  type HandlerOutcome,
  type RedisClient,
  release,
} from "../../src/index.ts";
import { useRedisServer } from "../support/redis-under-test.ts";

/**
 * Promise 11: whatever single command a server refuses us, at whatever point of a script or pipeline, no message is in no
 * place, none is in two, and none that was acknowledged runs again. Which commands a verb uses is learnt from Redis itself,
 * so that no row can be forgotten when a verb changes.
 */
const { door, server } = useRedisServer();
const list = "mail";
const base = `{${list}}`;
const payloads = Array.from({ length: 12 }, (_, at) => `m${String(at).padStart(2, "0")}`);

/** What a handler makes of a message, by its place: done, failed, dead, given back. */
function decide(payload: string): HandlerOutcome | undefined {
  const kind = Number(payload.slice(1)) % 4;
  if (kind === 1) throw new Error("down");
  if (kind === 2) return deadLetter("no such thing");
  return kind === 3 ? release : undefined;
}

const onward = `${base}:onward`;
const forwardAll = (payload: string): HandlerOutcome => forward(onward, `${payload} handled`);

/** The same, and what is done goes on to another list. */
function decideOnward(payload: string): HandlerOutcome | undefined {
  return decide(payload) ?? forward(onward, `${payload} handled`);
}

interface Verb {
  readonly name: string;
  /** Puts the messages where the verb finds them. */
  prepare(): Promise<unknown>;
  act(drain: Drain): Promise<{ error?: Error | null }>;
  readonly decide?: typeof decide;
  readonly hasEffects?: boolean;
  readonly options?: Partial<DrainOptions>;
}

const produce = (): Promise<number> => door.redis.lpush(list, ...payloads);
/** Two keys, so that most messages wait for others. */
const keyOf = ({ payload }: { payload: string }): number => Number(payload.slice(1)) % 2;
const keyed: Partial<DrainOptions> = { order: { byKey: keyOf } };
const run = (drain: Drain) => drain.run({ budgetMs: 5_000 });
const entries = payloads.map(
  (payload, at) =>
    `{"id":"d.1.${at}","attempts":1,"firstFailedAt":1,"lastFailedAt":2,"reason":"no"}\n${payload}`,
);
const failing = async (act: Promise<unknown>): Promise<{ error?: Error | null }> =>
  act.then(
    () => ({ error: null }),
    (error: Error) => ({ error }),
  );

/** A row for each verb; add yours. */
const verbs: readonly Verb[] = [
  { name: "claim and acknowledge", prepare: produce, act: run },
  { name: "settle in every way", prepare: produce, act: run, decide },
  { name: "acknowledge with effects", prepare: produce, act: run, decide: forwardAll, hasEffects: true },
  {
    name: "settle in every way, with effects",
    prepare: produce,
    act: run,
    decide: decideOnward,
    hasEffects: true,
  },
  {
    name: "recover",
    prepare: async () => {
      for (const [at, payload] of payloads.entries()) {
        const id = `dead.${at}`;
        await door.redis.lpush(`${base}:working:${id}`, payload);
        await door.redis.zadd(`${base}:leases`, 1_000 + at, id);
        // The last of them has crashed before, for the last time.
        if (at === 11) await door.redis.hset(`${base}:attempts`, id, "4.4.0@5");
      }
    },
    act: run,
  },
  {
    name: "promote",
    prepare: async () => {
      for (const [at, payload] of payloads.entries()) {
        await door.redis.zadd(`${base}:delayed`, 1_000 + at, `${at}.d.1!1.0.0@5:${payload}`);
      }
    },
    act: run,
  },
  { name: "settle in strict order", prepare: produce, act: run, decide, options: { order: "strict" } },
  { name: "settle in every way, by key,", prepare: produce, act: run, decide, options: keyed },
  {
    name: "take lines and the list, by key,",
    prepare: async () => {
      await produce();
      for (const payload of payloads.slice(0, 6)) {
        const key = sha1Hex(fromText(String(keyOf({ payload })))).slice(0, 16);
        await door.redis.rpop(list);
        await door.redis.zadd(
          `${base}:parked`,
          0,
          `${key}:50000000000000${payload.slice(1)}:1.0.0@5:${payload}`,
        );
        await door.redis.zadd(`${base}:due`, 1_000, key);
      }
    },
    act: run,
    decide,
    options: keyed,
  },
  {
    name: "bring lines back to the list",
    prepare: async () => {
      for (const [at, payload] of payloads.entries()) {
        const key = String(at % 2).repeat(16);
        await door.redis.zadd(`${base}:parked`, 0, `${key}:50000000000000${payload.slice(1)}::${payload}`);
        await door.redis.zadd(`${base}:due`, 1_000, key);
      }
    },
    act: run,
  },
  {
    name: "recover by key",
    prepare: async () => {
      const keys = payloads.map((payload) => sha1Hex(fromText(String(keyOf({ payload })))).slice(0, 16));
      await door.redis.lpush(`${base}:working:dead.1`, ...payloads);
      await door.redis.zadd(`${base}:leases`, 1_000, "dead.1");
      await door.redis.hset(`${base}:lines`, {
        "dead.1": keys.join(""),
        ...Object.fromEntries(keys.map((key) => [key, "dead.1"])),
      });
    },
    act: run,
    options: keyed,
  },
  {
    name: "claim within a limit per key",
    prepare: async () => {
      await produce();
      await door.redis.hset(`${base}:control`, { keyLimit: 3, keyWindowMs: 60_000, keyInFlight: 2 });
    },
    act: run,
    decide,
    options: keyed,
  },
  {
    name: "redrive",
    prepare: () => door.redis.lpush(`${base}:dead`, ...entries),
    act: (drain) => failing(drain.deadLetters.redrive()),
  },
  {
    name: "settle in every way, by the plain engine,",
    prepare: produce,
    act: run,
    decide,
    options: { engine: "plain", visibilityTimeoutMs: 1 },
  },
];

/** Where each message is, and how often. */
async function places(): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const add = (text: string, place: string): void => {
    const payload = /m\d\d$/.exec(text)?.[0];
    if (payload) found.set(payload, [...(found.get(payload) ?? []), place]);
  };
  for (const [key, value] of Object.entries(await door.everything())) {
    if (Array.isArray(value)) for (const text of value) add(String(text), key);
  }
  return found;
}

const clients: RedisClient[] = [];
afterAll(() => Promise.all(clients.map((client) => client.close())));

/** Does the verb as a user with these rights, and says how often each message's handler succeeded. */
async function act(verb: Verb, rights: readonly string[]) {
  await door.redis.call("ACL", "SETUSER", "tenant", "reset", "on", ">pass", ...rights);
  const redis = ioredis({ url: server().url.replace("redis://", "redis://tenant:pass@") });
  clients.push(redis);
  const succeeded: string[] = [];
  const drain = createDrain({
    redis,
    list,
    batchSize: 5,
    brake: false,
    retryDelay: () => 0,
    requestTimeoutMs: 2_000,
    handler: (message: { payload: string }): HandlerOutcome | undefined => {
      const outcome = verb.decide?.(message.payload);
      if (outcome === undefined || outcome.outcome === "ack with effects") succeeded.push(message.payload);
      return outcome;
    },
    ...verb.options,
  } as DrainOptions);
  const { error } = await verb.act(drain);
  return { succeeded, error };
}

async function expectNothingLost(verb: Verb, succeeded: readonly string[]): Promise<void> {
  const found = await places();
  for (const payload of payloads) {
    const where = found.get(payload) ?? [];
    const isDone = succeeded.includes(payload);
    expect(`${payload} is in ${where.length} places: ${where}`).toMatch(isDone ? / in [01] / : / in 1 /);
  }
  // The effects that have run are those of the messages that are gone, once each.
  const handled = (await door.redis.lrange(onward, 0, -1)).map((text) => text.replace(" handled", ""));
  const gone = payloads.filter((payload) => !found.has(payload));
  expect(handled.sort()).toEqual(verb.hasEffects ? gone : []);
  // Allowed everything again, and with all leases ended, the rest runs, and nothing that was acknowledged does.
  await door.expireLeases(list);
  const after = await act(verb, ["~*", "+@all"]);
  expect(after.succeeded.filter((payload) => gone.includes(payload))).toEqual([]);
}

const commandsOf = async (verb: Verb): Promise<string[]> => {
  await verb.prepare();
  await door.redis.config("RESETSTAT");
  await act(verb, ["~*", "+@all"]);
  const info = await door.redis.info("commandstats");
  await door.redis.flushall();
  const names = [...info.matchAll(/^cmdstat_([^:]+):/gm)].map((match) => match[1] as string);
  const ours =
    /^(config|info|client|select|hello|auth|command|acl|keys|type|ping|quit|flushall|eval.*|reset)/;
  return names.filter((name) => !ours.test(name));
};

describe.each(verbs)("$name loses no message and doubles none", (verb) => {
  it("whichever of its commands is refused", async () => {
    const commands = await commandsOf(verb);
    expect(commands.length).toBeGreaterThan(2);
    for (const command of commands) {
      await verb.prepare();
      const { succeeded, error } = await act(verb, ["~*", "+@all", `-${command}`]);
      await expectNothingLost(verb, succeeded).catch((cause: Error) => {
        throw new Error(`With ${command} refused: ${cause.message}`);
      });
      if (error) expect(error.message, command).toMatch(/NOPERM|permission/i);
      await door.redis.flushall();
    }
  });

  const suffixes = [
    "leases",
    "attempts",
    "delayed",
    "dead",
    "brake",
    "working:*",
    "done:*",
    "working",
    "seen",
    "recovering",
    "parked",
    "due",
    "lines",
    "held",
    "rates",
  ];
  const patterns = [
    "~mail",
    ...suffixes.map((suffix) => `~${base}:${suffix}`),
    `~${onward}`,
    `~${base}:busy`,
    `~${base}:control`,
  ];

  it.each(patterns)("where its user has no right to %s", async (pattern) => {
    await verb.prepare();
    const { succeeded } = await act(verb, [...patterns.filter((one) => one !== pattern), "+@all"]);
    await expectNothingLost(verb, succeeded);
  });

  it.each([
    "leases",
    "attempts",
    "delayed",
    "dead",
    "brake",
    "busy",
    "control",
    "parked",
    "due",
    "lines",
    "held",
    "rates",
  ])("where %s holds another type", async (suffix) => {
    await verb.prepare();
    const key = `${base}:${suffix}`;
    // Where the verb finds its messages there, nothing of the kind can be.
    if ((await door.redis.exists(key)) > 0) return;
    await door.redis.set(key, "text of somebody else");
    const { succeeded, error } = await act(verb, ["~*", "+@all"]);
    if (error) expect(error.message).toContain(`"${key}"`);
    await door.redis.del(key);
    await expectNothingLost(verb, succeeded);
  });
});

/** Runs a drain with these rights, each time with all leases ended, and says which handlers ran. */
async function runs(count: number, rights: readonly string[], options: Partial<DrainOptions>) {
  const ran: string[] = [];
  const given: Verb = { name: "run", prepare: produce, act: run, options };
  for (let time = 0; time < count; time++) {
    const decideAndNote = (payload: string): undefined => void ran.push(payload);
    await act({ ...given, decide: decideAndNote }, rights);
    await door.expireLeases(list);
  }
  return ran;
}

describe("a refusal beside a claim", () => {
  const chain = { continuation: { name: "none", invoke: async () => ({ declined: "no" }) } };
  const rows: [
    what: string,
    rights: string[],
    options: Partial<DrainOptions>,
    prepare?: () => Promise<unknown>,
  ][] = [
    ["the mark of a full house", ["-set"], chain],
    ["taking an ended lease away", ["-zrem"], {}, () => door.redis.zadd(`${base}:leases`, 1_000, "dead.1")],
    ["reading the brake", [], { brake: { after: 1 } }, () => door.redis.set(`${base}:brake`, "text")],
  ];

  it.each(rows)("costs no message an attempt: %s", async (_, rights, options, prepare) => {
    await door.redis.flushall();
    await produce();
    await prepare?.();
    const ran = await runs(5, ["~*", "+@all", ...rights], { batchSize: 5, maxAttempts: 1, ...options });
    // Were a claimed batch left alone, it would come back as crashed, and here that is the end of it.
    expect(ran.sort()).toEqual(payloads);
    expect(await door.redis.llen(`${base}:dead`)).toBe(0);
  });
});

it("a user who may pop and push nothing loses nothing, and in its order it runs once that is mended", async () => {
  await door.redis.flushall();
  await produce();
  expect(await runs(2, ["~*", "+@all", "-lpush", "-rpush"], { batchSize: 20 })).toEqual([]);
  expect([...(await places()).values()]).toEqual(payloads.map(() => [`${base}:delayed`]));
  expect(await runs(1, ["~*", "+@all"], { batchSize: 20 })).toEqual(payloads);
});

it("a user without the right to done-markers is refused before a handler runs", async () => {
  await door.redis.flushall();
  await produce();
  const ours = ["leases", "attempts", "delayed", "dead", "brake", "busy", "control", "working:*"];
  const rights = ["+@all", "~mail", ...ours.map((suffix) => `~${base}:${suffix}`)];
  expect(await runs(2, rights, {})).toEqual([]);
});

it("a push with ids that is refused has pushed nothing and remembers no id, whichever command it was", async () => {
  const dedupe = { id: (message: unknown) => String(message), ttlMs: 60_000 };
  for (const right of ["-get", "-set", "-lpush", "-del -lpush", "-evalsha", "~mail"]) {
    await door.redis.flushall();
    const rights = right.startsWith("~") ? [right, "+@all"] : ["~*", "+@all", ...right.split(" ")];
    const pushing = (drain: Drain) => failing(drain.push([...payloads, "m00"], { dedupe }));
    const { error } = await act({ name: "push", prepare: produce, act: pushing }, rights);
    expect(error?.message, right).toMatch(/NOPERM|permission/i);
    expect(await door.redis.llen(list)).toBe(0);

    await vi.waitUntil(async () => (await door.redis.dbsize()) === 0, { interval: 2 });
    await act({ name: "push", prepare: produce, act: pushing }, ["~*", "+@all"]);
    expect(await door.waiting(list)).toEqual(payloads);
  }
});
